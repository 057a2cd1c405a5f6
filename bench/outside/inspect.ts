// Looks into a module from outside before anything of it runs here: what it exports, and whether that keeps the contract.
import { Worker } from 'node:worker_threads'
import { BenchError } from '../contract/errors.ts'
import type { OutsideKind } from './shape.ts'

const THREAD = new URL('./inspect-thread.ts', import.meta.url)

export interface InspectionOrder {
  readonly asked: OutsideKind | 'driver or workload'
  /** The module as the user named it, for sentences. */
  readonly file: string
  readonly url: string
}

/** What was found; its name is that of the export. */
export interface Finding {
  readonly kind: OutsideKind
  readonly exportName: string
}

export type Inspection = Finding | { readonly error: string }

/** Finds the module's driver or workload. Throws USAGE when there is none, it is not complete, or loading takes longer than `limitMs`. */
export async function inspectModule(order: InspectionOrder, limitMs: number): Promise<Finding> {
  const worker = new Worker(THREAD, { workerData: order, stdin: false })
  const { promise, resolve } = Promise.withResolvers<Inspection>()
  const timer = setTimeout(
    () =>
      resolve({
        error: `${order.file} did not finish loading within ${limitMs / 1000} s: it must not wait for anything when it is imported.`,
      }),
    limitMs,
  )
  worker.once('message', resolve)
  worker.once('error', (error) => resolve({ error: `${order.file} cannot be loaded: ${(error as Error).message}.` }))
  worker.once('exit', () =>
    resolve({
      error: `${order.file} ended the process, or waits for what never comes, when it is imported: it must do neither.`,
    }),
  )
  try {
    const inspection = await promise
    if ('error' in inspection) throw new BenchError('USAGE', inspection.error)
    return inspection
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
