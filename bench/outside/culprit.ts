// In whose code an error was thrown that nobody waited for: from a timer, an event, or a promise that was dropped.
import { fileURLToPath } from 'node:url'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Registry } from '../registry.ts'

/** A module from outside. */
interface Outsider {
  /** As the user named it. */
  readonly file: string
  readonly module: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Of a line of a stack: the file, where it is not one of Node's own. */
const FRAME = /\(?((?:file:\/\/)?\/[^()]*?):\d+:\d+\)?$/

/** The file of the innermost frame that is not Node's; undefined where there is none. */
function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  for (const line of (error.stack ?? '').split('\n')) {
    const found = line.trimStart().startsWith('at ') ? FRAME.exec(line)?.[1] : undefined
    if (found !== undefined) return found.startsWith('file:') ? fileURLToPath(found) : found
  }
  return undefined
}

export function outsidersIn({ drivers, workloads }: Registry): readonly Outsider[] {
  return [...drivers, ...workloads].flatMap(({ file, module }) =>
    file === undefined ? [] : [{ file, module: module.href }],
  )
}

/** The error as theirs, where it was thrown in a module from outside or in what that brought along; undefined where it is ours. */
export function blameForStray(error: unknown, outsiders: readonly Outsider[]): BenchError | undefined {
  const place = placeOf(error)
  if (error instanceof BenchError || outsiders.length === 0 || place === undefined) return undefined
  const exact = outsiders.find(({ module }) => fileURLToPath(module) === place)
  if (exact === undefined && place.startsWith(ROOT)) return undefined
  const { file } = exact ?? outsiders[0]
  const why = `${file} failed where nobody waits for it: ${messageOf(error)}. The error is in that file.`
  return new BenchError('STORE', why, { cause: error })
}
