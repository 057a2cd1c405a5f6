// The threads that share an analysis: each reads chunks and walks parts as long as any are left, and so does the one that asks.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../contract/errors.ts'
import type { WalkedParts } from './key-walk.ts'
import { LedgerPass, type LedgerOrder, type WalkOrder } from './ledger-pass.ts'
import type { TrafficPart } from './traffic-count.ts'

const SCRIPT = new URL('analysis-thread.ts', import.meta.url)
/** More would wait for memory and disk, and each takes the memory of one part. */
const THREADS_MAX = 8

/** A thread keeps its rows in arrays outside of the heap: more young objects than this are garbage, some 25 MB of it. */
const YOUNG_MB = 6

/** Fewer rows are done before another thread has started. */
const ROWS_ALONE = 200_000

export type ThreadOrder =
  | { readonly type: 'read'; readonly ledger: LedgerOrder }
  | { readonly type: 'walk'; readonly walk: WalkOrder }

export type ThreadAnswer =
  | { readonly type: 'read'; readonly traffic: TrafficPart }
  | { readonly type: 'walked'; readonly parts: WalkedParts }
  | { readonly type: 'failed'; readonly why: string; readonly code: ErrorCode }

/** How many threads share the work on so many rows: as many as the machine has processors, two at least. */
export function threadsFor(rows: number): number {
  return rows < ROWS_ALONE ? 1 : Math.min(THREADS_MAX, Math.max(2, availableParallelism()))
}

export class AnalysisThreads implements AsyncDisposable {
  readonly #workers: readonly Worker[]
  #own: LedgerPass | undefined

  /** Starts all but the thread that calls this. */
  constructor(threads: number, script = SCRIPT) {
    this.#workers = Array.from(
      { length: threads - 1 },
      () => new Worker(script, { stdin: false, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } }),
    )
  }

  /** Reads the ledger. Rejects with what went wrong in any thread. */
  read(ledger: LedgerOrder): Promise<readonly TrafficPart[]> {
    const others = this.#ask(
      () => ({ type: 'read', ledger }),
      (answer) => (answer.type === 'read' ? answer.traffic : undefined),
    )
    this.#own = new LedgerPass(ledger)
    return withOwn(this.#own.read(ledger.probes), others)
  }

  /**
   * Walks the parts of the ledger that was read; `meanwhile` is done by this thread before it helps. Rejects with what went
   * wrong in any thread.
   */
  async walk<T>(
    walk: Omit<WalkOrder, 'takesLargest'>,
    meanwhile: () => T,
  ): Promise<{ readonly walked: readonly WalkedParts[]; readonly meanwhile: T }> {
    if (this.#own === undefined) throw new TypeError('a ledger is walked after it was read')
    // Not this thread, where there is another: it has the rest of the analysis in its memory.
    const orderOf = (worker: number) => ({ ...walk, takesLargest: worker === 0 })
    const others = this.#ask(
      (worker) => ({ type: 'walk', walk: orderOf(worker) }),
      (answer) => (answer.type === 'walked' ? answer.parts : undefined),
    )
    const done = meanwhile()
    const own = { ...walk, takesLargest: this.#workers.length === 0 }
    return { walked: await withOwn(this.#own.walk(own), others), meanwhile: done }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#own?.[Symbol.dispose]()
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #ask<T>(
    orderOf: (worker: number) => ThreadOrder,
    pick: (answer: ThreadAnswer) => T | undefined,
  ): Promise<readonly T[]> {
    const answers = Promise.all(this.#workers.map((worker, i) => answerOf(worker, orderOf(i), pick)))
    // This thread may fail before it waits for them.
    answers.catch(() => undefined)
    return answers
  }
}

async function withOwn<T>(own: T, others: Promise<readonly T[]>): Promise<readonly T[]> {
  return [own, ...(await others)]
}

function answerOf<T>(worker: Worker, order: ThreadOrder, pick: (answer: ThreadAnswer) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, code: ErrorCode = 'BUG') => {
      reject(
        code === 'BUG'
          ? new BenchError('BUG', `A thread of the analysis failed (${why}): report it with the run folder.`)
          : new BenchError(code, why),
      )
    }
    worker.removeAllListeners()
    // It told nobody while it had nothing to do, and would answer nothing.
    if (worker.threadId < 0) return fail('it ended by itself')
    worker.once('error', (error) => fail(error.message))
    worker.once('exit', () => fail('it ended by itself'))
    worker.once('message', (answer: ThreadAnswer) => {
      const picked = pick(answer)
      if (picked !== undefined) resolve(picked)
      else if (answer.type === 'failed') fail(answer.why, answer.code)
      else fail('it answered something else than it was asked')
    })
    worker.postMessage(order)
  })
}
