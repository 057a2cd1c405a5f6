// Imports a module from outside in a thread of its own, which can be ended whatever the module does, and says what it found.
import { fileURLToPath } from 'node:url'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { BenchError, messageOf } from '../contract/errors.ts'
import { exportOf, findExport, kindOf } from './shape.ts'
import type { Inspection, InspectionOrder } from './inspect.ts'
import { tryWorkload } from './trial.ts'

/** Where in the module it was, as far as the error tells: a syntax error of JavaScript does not. */
function placeIn(url: string, error: unknown): string {
  if (!(error instanceof Error)) return ''
  const { stack = '' } = error
  for (const name of [url, fileURLToPath(url)]) {
    const line = stack.includes(`${name}:`)
      ? /^\d+/.exec(stack.slice(stack.indexOf(`${name}:`) + name.length + 1))
      : null
    if (line !== null) return ` (line ${line[0]})`
  }
  return error instanceof SyntaxError ? ' (node --check says in which line)' : ''
}

async function inspect({ asked, file, url }: InspectionOrder): Promise<Inspection> {
  let exports: Record<string, unknown>
  try {
    exports = (await import(url)) as Record<string, unknown>
  } catch (error) {
    return { error: `${file} cannot be loaded: ${messageOf(error)}${placeIn(url, error)}.` }
  }
  try {
    const kind = asked === 'driver or workload' ? kindOf(exports) : asked
    const exportName = findExport(kind, file, exports)
    if (kind === 'workload') tryWorkload(exportOf<'workload'>(exports, exportName), file)
    return { kind, exportName }
  } catch (error) {
    if (error instanceof BenchError) return { error: error.message }
    throw error
  }
}

;(parentPort as MessagePort).postMessage(await inspect(workerData as InspectionOrder))
