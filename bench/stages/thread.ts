// One generator or prober thread as the main thread holds it: what it says, that it lives, and whose fault it is when it does not.
import { Worker, type MessagePort } from 'node:worker_threads'
import { BenchError } from '../contract/errors.ts'
import { endedThread, hangingThread, type Suspects } from './hanging-thread.ts'
import { ALIVE_TIMES, type failure } from './thread-plan.ts'

/** Room for young objects, which V8 would widen threefold over a quarter of an hour: memory that rises so looks like a leak. */
const YOUNG_MB = 16
/** A thread that loads its modules cannot say yet that it lives. */
const STARTS_WITHIN_MS = 60_000

/** A thread, and the next message of a kind from it. Its failure fails whoever waits, now or later. */
export class Thread<To, From extends { readonly type: string }> {
  readonly failed: Promise<never>
  readonly #worker: Worker
  readonly #suspects: Suspects
  readonly #waiting = new Map<string, (message: From) => void>()
  readonly #fail: (error: BenchError) => void
  #closed = false
  #doing = 'ready'
  #silentLooks = 0
  #mayBeSilentMs = STARTS_WITHIN_MS
  onMessage: (message: From) => void = () => undefined

  constructor(script: URL, workerData: object, transfer: readonly MessagePort[], suspects: Suspects) {
    this.#worker = new Worker(script, {
      workerData,
      transferList: [...transfer],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    this.#suspects = suspects
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    // Nobody may be waiting when it fails: the next one to wait gets the error.
    promise.catch(() => undefined)
    this.#worker.on('error', (error) => reject(this.#unknown(error.message)))
    this.#worker.on('exit', () => {
      if (!this.#closed) reject(endedThread(suspects, this.#doing) ?? this.#unknown('it ended by itself'))
    })
    this.#worker.on('message', (message: From) => this.#hear(message))
  }

  #unknown(why: string): BenchError {
    const whose = 'This is likely an error in geowrite or in the driver.'
    return new BenchError('WORKER', `The ${this.#suspects.thread} thread failed: ${why}. ${whose}`)
  }

  #hear(message: From): void {
    this.#silentLooks = 0
    this.#mayBeSilentMs = 0
    if (message.type === 'error') {
      const { message: why, code } = message as unknown as ReturnType<typeof failure>
      this.#fail(code === undefined ? this.#unknown(why) : new BenchError(code, why))
    }
    if (message.type === 'closed') this.#closed = true
    this.onMessage(message)
    this.#waiting.get(message.type)?.(message)
    this.#waiting.delete(message.type)
  }

  /** To be called every `everyMs`. Looks are counted and not time, so that a process that was stopped finds nobody silent. */
  look(everyMs: number): void {
    const silentMs = Math.max(this.#mayBeSilentMs, everyMs * ALIVE_TIMES)
    if (this.#closed || ++this.#silentLooks * everyMs <= silentMs) return
    this.#fail(hangingThread(this.#suspects, this.#doing, silentMs))
  }

  say(message: To): void {
    this.#worker.postMessage(message)
  }

  next<T extends From['type']>(type: T): Promise<Extract<From, { type: T }>> {
    this.#doing = type
    const message = new Promise<From>((resolve) => this.#waiting.set(type, resolve))
    return Promise.race([message, this.failed]) as Promise<Extract<From, { type: T }>>
  }

  async kill(): Promise<void> {
    this.#closed = true
    await this.#worker.terminate()
  }
}
