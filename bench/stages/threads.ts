// Starts the generator and prober threads of a run, wires them to each other, and orders their phases.
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../contract/errors.ts'
import { mergeKeys } from '../load/touched.ts'
import type { ProberFacts, WorkerPhase } from '../contract/run-folder.ts'
import type {
  failure,
  FromGenerator,
  FromProber,
  GeneratorThreadPlan,
  PhaseOrder,
  ProberThreadPlan,
  Progress,
  ToGenerator,
  ToProber,
} from './thread-plan.ts'

const GENERATOR = new URL('../generator-thread.ts', import.meta.url)
const PROBER = new URL('../prober-thread.ts', import.meta.url)
/** Room for young objects, which V8 would widen threefold over a quarter of an hour: memory that rises so looks like a leak. */
const YOUNG_MB = 16

/** A thread, and the next message of a kind from it. Its failure fails whoever waits, now or later. */
class Thread<To, From extends { readonly type: string }> {
  readonly #worker: Worker
  readonly #waiting = new Map<string, (message: From) => void>()
  readonly #failed: Promise<never>
  #closed = false
  onMessage: (message: From) => void = () => undefined

  constructor(script: URL, workerData: object, transfer: readonly MessagePort[], what: string) {
    this.#worker = new Worker(script, {
      workerData,
      transferList: [...transfer],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    this.#failed = new Promise<never>((_, reject) => {
      const fail = (why: string, code?: ErrorCode) =>
        reject(
          code === undefined
            ? new BenchError(
                'WORKER',
                `The ${what} thread failed: ${why}. This is likely an error in geowrite or in the driver.`,
              )
            : new BenchError(code, why),
        )
      this.#worker.on('error', (error) => fail(error.message))
      this.#worker.on('exit', () => (this.#closed ? undefined : fail('it ended by itself')))
      this.#worker.on('message', (message: From) => {
        if (message.type === 'error') {
          const { message: why, code } = message as unknown as ReturnType<typeof failure>
          fail(why, code)
        }
        if (message.type === 'closed') this.#closed = true
        this.onMessage(message)
        this.#waiting.get(message.type)?.(message)
        this.#waiting.delete(message.type)
      })
    })
    // Nobody may be waiting when it fails: the next one to wait gets the error.
    this.#failed.catch(() => undefined)
  }

  say(message: To): void {
    this.#worker.postMessage(message)
  }

  next<T extends From['type']>(type: T): Promise<Extract<From, { type: T }>> {
    const message = new Promise<From>((resolve) => this.#waiting.set(type, resolve))
    return Promise.race([message, this.#failed]) as Promise<Extract<From, { type: T }>>
  }

  async kill(): Promise<void> {
    this.#closed = true
    await this.#worker.terminate()
  }
}

/** Result of one phase over all generators. */
export interface PhaseResult {
  readonly facts: readonly WorkerPhase[]
  readonly progress: Progress
  readonly lastOutcomeUs: number
  /** Every key that was written in this phase, ascending. */
  readonly touched: Float64Array
}

/** What one generator's phase under way has come to. */
interface GeneratorCounts {
  /** Rows acknowledged so far, counted at `atUs`. */
  readonly rows: number
  readonly atUs: number
  /** Median service time of the batches acknowledged since the last count; null where there was none. */
  readonly serviceP50Ms: number | null
}

/** Share of the probed rows that their probers have seen so far. */
interface SeenCounts {
  readonly asked: number
  readonly seen: number
}

const NOTHING: Progress = { offered: 0, acknowledged: 0, failed: 0, unknown: 0, dropped: 0 }

function addProgress(a: Progress, b: Progress): Progress {
  return {
    offered: a.offered + b.offered,
    acknowledged: a.acknowledged + b.acknowledged,
    failed: a.failed + b.failed,
    unknown: a.unknown + b.unknown,
    dropped: a.dropped + b.dropped,
  }
}

export class Threads implements AsyncDisposable {
  readonly #generators: Thread<ToGenerator, FromGenerator>[] = []
  readonly #probers: Thread<ToProber, FromProber>[] = []
  readonly #latest: Progress[] = []
  readonly #ledgerBytes: number[] = []

  /** Starts everything and waits until every session is open. Each generator feeds the probers of all other DCs. */
  static async start(
    generators: readonly GeneratorThreadPlan[],
    probers: readonly ProberThreadPlan[],
  ): Promise<Threads> {
    const threads = new Threads()
    try {
      await threads.#start(generators, probers)
      return threads
    } catch (error) {
      await threads[Symbol.asyncDispose]()
      throw error
    }
  }

  async #start(generators: readonly GeneratorThreadPlan[], probers: readonly ProberThreadPlan[]): Promise<void> {
    const sources = probers.map((): MessagePort[] => [])
    const targets = generators.map((generator) =>
      probers.flatMap((prober, i) => {
        if (prober.dcIndex === generator.dcIndex) return []
        const { port1, port2 } = new MessageChannel()
        sources[i].push(port2)
        return [port1]
      }),
    )
    probers.forEach((plan, i) =>
      this.#probers.push(new Thread(PROBER, { plan, sources: sources[i] }, sources[i], `prober ${i}`)),
    )
    generators.forEach((plan, i) => {
      const thread = new Thread<ToGenerator, FromGenerator>(
        GENERATOR,
        { plan, probers: targets[i] },
        targets[i],
        `generator ${i}`,
      )
      thread.onMessage = (message) => {
        if (message.type === 'progress' || message.type === 'phase') this.#latest[i] = message.progress
        if (message.type === 'progress') this.#ledgerBytes[i] = message.ledgerBytes
      }
      this.#generators.push(thread)
    })
    await Promise.all([...this.#generators.map((g) => g.next('ready')), ...this.#probers.map((p) => p.next('ready'))])
  }

  /** Runs one phase on all generators to its end. */
  async phase(order: PhaseOrder): Promise<PhaseResult> {
    this.#latest.length = 0
    const results = await Promise.all(
      this.#generators.map((generator) => {
        generator.say({ type: 'phase', order })
        return generator.next('phase')
      }),
    )
    return {
      facts: results.map((result) => result.facts),
      progress: results.map((result) => result.progress).reduce(addProgress, NOTHING),
      lastOutcomeUs: Math.max(...results.map((result) => result.lastOutcomeUs)),
      touched: mergeKeys(results.map((result) => result.touched)),
    }
  }

  /** What the phase under way has done so far, for people. */
  progressText(): string {
    const { offered, acknowledged, failed, unknown } = this.#latest.reduce(addProgress, NOTHING)
    const trouble = failed + unknown > 0 ? `, ${failed} failed, ${unknown} unknown` : ''
    return `${offered.toLocaleString('en-US')} offered, ${acknowledged.toLocaleString('en-US')} acknowledged${trouble}`
  }

  get ledgerBytes(): number {
    return this.#ledgerBytes.reduce((a, b) => a + b, 0)
  }

  /** As `phase`, of one that ends when it was ordered to. */
  async wholePhase(order: PhaseOrder): Promise<{ readonly result: PhaseResult; readonly endUs: number }> {
    return { result: await this.phase(order), endUs: order.endUs }
  }

  /** Ends the phase under way at `endUs`, earlier than was ordered. */
  endPhase(endUs: number): void {
    for (const generator of this.#generators) generator.say({ type: 'end', endUs })
  }

  /** By generator; one count must be over before the next is asked for. */
  async counts(): Promise<readonly GeneratorCounts[]> {
    const counts = await Promise.all(
      this.#generators.map((generator) => {
        generator.say({ type: 'counts' })
        return generator.next('counts')
      }),
    )
    return counts.map(({ progress, atUs, serviceP50Ms }) => ({ rows: progress.acknowledged, atUs, serviceP50Ms }))
  }

  async seen(): Promise<SeenCounts> {
    const counts = await Promise.all(
      this.#probers.map((prober) => {
        prober.say({ type: 'counts' })
        return prober.next('counts')
      }),
    )
    return counts.reduce((sum, c) => ({ asked: sum.asked + c.asked, seen: sum.seen + c.seen }), { asked: 0, seen: 0 })
  }

  /** Stores the generators' part of the run folder and ends their threads; those that cannot end are left to the disposal. */
  async closeGenerators(): Promise<void> {
    await Promise.all(
      this.#generators.map((generator) => {
        generator.say({ type: 'close' })
        return generator.next('closed')
      }),
    )
    this.#generators.length = 0
  }

  /** Closes what is still waited for as never seen, stores the probers' part of the run folder and ends their threads. */
  async closeProbers(): Promise<ProberFacts[]> {
    const closed = await Promise.all(
      this.#probers.map((prober) => {
        prober.say({ type: 'close' })
        return prober.next('closed')
      }),
    )
    this.#probers.length = 0
    return closed.map((message) => message.facts)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#generators, ...this.#probers].map((thread) => thread.kill()))
  }
}
