// Starts the generator and prober threads of a run, wires them to each other, and orders their phases.
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { mergeKeys } from '../load/touched.ts'
import type { ProberFacts, WorkerPhase } from '../contract/run-folder.ts'
import { Thread } from './thread.ts'
import {
  ALIVE_TIMES,
  silentMsOf,
  type FromGenerator,
  type FromProber,
  type GeneratorThreadPlan,
  type PhaseOrder,
  type ProberThreadPlan,
  type Progress,
  type ToGenerator,
  type ToProber,
} from './thread-plan.ts'

const GENERATOR = new URL('../generator-thread.ts', import.meta.url)
const PROBER = new URL('../prober-thread.ts', import.meta.url)
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
  /** Those whose work is done; what a driver left in them may keep them from ending by themselves. */
  readonly #closed: { kill(): Promise<void> }[] = []
  #looking: NodeJS.Timeout | undefined

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
    probers.forEach((plan, i) => {
      const suspects = { thread: `prober ${i}`, driver: plan.driver.file, workload: undefined }
      this.#probers.push(new Thread(PROBER, { plan, sources: sources[i] }, sources[i], suspects))
    })
    generators.forEach((plan, i) => {
      const suspects = { thread: `generator ${i}`, driver: plan.driver.file, workload: plan.workload.file }
      const data = { plan, probers: targets[i] }
      const thread = new Thread<ToGenerator, FromGenerator>(GENERATOR, data, targets[i], suspects)
      thread.onMessage = (message) => {
        if (message.type === 'progress' || message.type === 'phase') this.#latest[i] = message.progress
        if (message.type === 'progress') this.#ledgerBytes[i] = message.ledgerBytes
      }
      this.#generators.push(thread)
    })
    const everyMs = silentMsOf(generators[0]?.driver, generators[0]?.workload) / ALIVE_TIMES
    this.#looking = setInterval(() => this.#threads().forEach((thread) => thread.look(everyMs)), everyMs)
    await Promise.all([...this.#generators.map((g) => g.next('ready')), ...this.#probers.map((p) => p.next('ready'))])
  }

  #threads(): readonly (Thread<ToGenerator, FromGenerator> | Thread<ToProber, FromProber>)[] {
    return [...this.#generators, ...this.#probers]
  }

  /** Runs one phase on all generators to its end; the first thread that fails ends it. */
  async phase(order: PhaseOrder): Promise<PhaseResult> {
    this.#latest.length = 0
    const running = Promise.all(
      this.#generators.map((generator) => {
        generator.say({ type: 'phase', order })
        return generator.next('phase')
      }),
    )
    const results = await Promise.race([running, ...this.#probers.map((prober) => prober.failed)])
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
    this.#closed.push(...this.#generators.splice(0))
  }

  /** Closes what is still waited for as never seen, stores the probers' part of the run folder and ends their threads. */
  async closeProbers(): Promise<ProberFacts[]> {
    const closed = await Promise.all(
      this.#probers.map((prober) => {
        prober.say({ type: 'close' })
        return prober.next('closed')
      }),
    )
    this.#closed.push(...this.#probers.splice(0))
    return closed.map((message) => message.facts)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking)
    await Promise.all([...this.#threads(), ...this.#closed].map((thread) => thread.kill()))
  }
}
