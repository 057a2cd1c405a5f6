// One run of one system, top to bottom: deploy, verify the links, prepare, load, calibrate, warm up, measure, stop the writers,
// drain, converge, check, tear down. What it leaves is facts; the analysis reads them from the run folder.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Progress } from './cli/progress.ts'
import type { DeployPlan, Endpoints } from './contract/driver.ts'
import { BenchError } from './contract/errors.ts'
import { RUN_FILES, type CounterMark, type WorkerPhase } from './contract/run-folder.ts'
import type { Scenario } from './contract/scenario.ts'
import type { FaultFacts } from './contract/fault.ts'
import { orReason } from './lib/abort.ts'
import { nowUs } from './lib/clock.ts'
import { mergeKeys } from './load/touched.ts'
import { Pressure } from './measure/resources.ts'
import type { WorkloadEntry } from './registry.ts'
import { breakMeanwhile } from './stages/break.ts'
import { calibrate, type Calibration } from './stages/calibrate.ts'
import { converge, type Convergence } from './stages/converge.ts'
import { factsOf } from './stages/facts.ts'
import { openRun, type OpenedRun } from './stages/open.ts'
import { readBack, type ReadBack } from './stages/read-back.ts'
import { ORDER_AHEAD_US, type PhaseOrder } from './stages/thread-plan.ts'
import type { PhaseResult } from './stages/threads.ts'
import { WarmUp } from './stages/warm-up.ts'
import { systemName, type System } from './systems.ts'

export interface RunContext {
  readonly scenario: Scenario
  readonly system: System
  readonly workload: WorkloadEntry
  readonly version: string
  /** This run's own folder, to be made. */
  readonly folder: string
  readonly index: number
  readonly repeat: number
  /** What a calibration before this run found, where there was one. */
  readonly calibrated?: Calibration
  /** The DCs that have writers; absent: all. */
  readonly writesIn?: readonly string[]
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Rows/s taken for a closed loop that was not calibrated, only to choose how many rows to probe. */
const CLOSED_LOOP_GUESS = 50_000
const LIVE_EVERY_MS = 500

/** A system that is deployed, loaded and ready to be written to. */
export class Run implements AsyncDisposable {
  readonly #context: RunContext
  readonly #open: OpenedRun
  readonly #workers: WorkerPhase[] = []
  readonly #marks: CounterMark[] = []
  readonly #warmUp: WarmUp
  #faults: readonly FaultFacts[] = []
  /** Ends what is being broken when the run ends early. */
  readonly #ending = new AbortController()
  #breaking: Promise<unknown> = Promise.resolve()
  #calibration: Calibration | undefined
  /** Keys written, ascending: all of them, and those since the DCs were last seen equal. */
  #written: Float64Array = new Float64Array(0)
  #unsettled: Float64Array = new Float64Array(0)

  private constructor(context: RunContext, opened: OpenedRun) {
    this.#context = context
    this.#open = opened
    const { threads, house, signal } = opened
    this.#warmUp = new WarmUp(threads, house, (text) => context.progress.live(text), signal)
  }

  /** Deploys and loads. */
  static async open(context: RunContext): Promise<Run> {
    return new Run(context, await openRun(context))
  }

  /** Where the stores are, for whoever wants to look at them without the harness. */
  get stores(): { readonly endpoints: Endpoints; readonly plan: DeployPlan; readonly dataFolder: string } {
    const { house, plan } = this.#open
    return { endpoints: house.endpoints(), plan, dataFolder: house.ground.folder }
  }

  /** Finds what the system can do, and waits until it has caught up with it. */
  async calibrate(): Promise<Calibration> {
    const { threads, journal, signal } = this.#open
    const { scenario, system } = this.#context
    const ramp = system.warmup === 'steady' ? this.#warmUp.ramp() : undefined
    this.#step(ramp === undefined ? 'calibrating' : 'warming up until steady, and calibrating')
    const found = await orReason(calibrate(threads, scenario.quick, this.#readable, signal, ramp), signal)
    this.#calibration = found
    journal.phase('calibrate', found.startUs, found.endUs)
    this.#workers.push(...found.phase.facts)
    if (this.#readable) {
      this.#step('catching up after the calibration')
      this.#noteWritten(found.phase.touched)
      const { timedOut, restedApart } = await this.#converge()
      if (!timedOut && !restedApart) this.#unsettled = new Float64Array(0)
      // Where DCs diverge by design they never agree again; elsewhere a backlog would spoil what is measured next.
      const promises = this.#context.system.replication.capabilities.conflicts !== 'diverges'
      if (timedOut && promises) {
        throw new BenchError(
          'STORE',
          `${systemName(this.#context.system)} did not catch up after its calibration: give a --rate of your own, or more time with --drain-timeout.`,
        )
      }
    }
    return found
  }

  /** Offers the load, stops, waits for the DCs to agree, reads everything back and stores the facts. `null` is a closed loop. */
  async measure(rowsPerSecond: number | null): Promise<void> {
    const {
      scenario,
      system: { warmup },
    } = this.#context
    const { admin, house, threads, sampler, journal, signal } = this.#open
    const rate = rowsPerSecond === null ? 'as fast as it goes' : `${rowsPerSecond.toLocaleString('en-US')} rows/s`
    await orReason(admin.flush(), signal)
    house.startPings()
    if (warmup !== 0) {
      this.#step(`warming up${warmup === 'steady' ? ' until steady' : ''}, ${rate}`)
      await this.#phase('warmup', warmup, rowsPerSecond)
    }
    this.#step(`measuring ${scenario.durationMs / 1000} s, ${rate}`)
    await this.#mark('measure-start')
    const pressure = new Pressure()
    const measured = await this.#phase('measure', scenario.durationMs, rowsPerSecond)
    const felt = pressure.end()
    if (this.#readable) this.#step('writers stopped; waiting until the DCs agree')
    const draining = Promise.all([
      this.#readable ? this.#converge() : undefined,
      this.#mark('measure-end'),
      threads.closeGenerators(),
    ])
    const [convergence] = await orReason(draining, signal)
    await orReason(this.#mark('converged'), signal)
    const probers = await orReason(threads.closeProbers(), signal)
    await orReason(admin.flush(), signal)
    await this.#mark('flushed')
    if (this.#readable) this.#step('reading every written row back')
    const wereEqual = convergence?.checks.at(-1)?.equal === true
    const back = this.#readable ? await orReason(this.#readBack(wereEqual), signal) : undefined
    const counters = await orReason(admin.counters(), signal)
    await house.writeRoundTrips(join(this.#context.folder, RUN_FILES.rtt), journal, signal)
    const facts = factsOf(this.#context, this.#open, {
      rowsPerSecond,
      calibration: this.#calibration ?? this.#context.calibrated,
      workers: this.#workers,
      marks: this.#marks,
      faults: this.#faults,
      warmUp: this.#warmUp.stretches,
      lastOutcomeUs: measured.lastOutcomeUs - journal.epoch.monotonicUs,
      convergence,
      back,
      counters,
      probers,
      pressure: felt,
    })
    writeFileSync(join(this.#context.folder, RUN_FILES.run), `${JSON.stringify(facts, null, 2)}\n`)
    journal.event('stage', 'done')
    await sampler.close()
  }

  /** Ends everything; safe to call at any time, also twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    await this.#breaking
    await this.#open.cleanup.disposeAsync()
  }

  get #readable(): boolean {
    return this.#context.system.replication.capabilities.readable
  }

  get #dcNames(): string[] {
    return this.#open.topology.dcs.map((dc) => dc.name)
  }

  #step(text: string): void {
    this.#context.progress.step(`${systemName(this.#context.system)}: ${text}`)
  }

  async #mark(name: CounterMark['name']): Promise<void> {
    this.#marks.push(await this.#open.sampler.mark(name))
  }

  async #phase(
    name: 'warmup' | 'measure',
    lasts: number | 'steady',
    rowsPerSecond: number | null,
  ): Promise<PhaseResult> {
    const { threads, topology, journal, signal } = this.#open
    const { probesPerSecond } = this.#context.scenario
    const isSteady = lasts === 'steady'
    const startUs = nowUs() + ORDER_AHEAD_US
    const expected = rowsPerSecond ?? this.#calibration?.acknowledgedPerSecond ?? CLOSED_LOOP_GUESS
    const share = probesPerSecond === 'all' ? 1 : Math.min(1, probesPerSecond / expected)
    const order: PhaseOrder = {
      name,
      startUs,
      endUs: startUs + (isSteady ? this.#warmUp.leftMs : lasts) * 1000,
      rowsPerSecond: rowsPerSecond === null ? null : rowsPerSecond / topology.dcs.length,
      probeShare: this.#readable ? share : 0,
    }
    // A warm-up until steady says itself how it goes.
    const tell = () => this.#context.progress.live(threads.progressText())
    const ticking = isSteady ? undefined : setInterval(tell, LIVE_EVERY_MS)
    const running = isSteady ? this.#warmUp.phase(order) : threads.wholePhase(order)
    const both = Promise.all([running, name === 'measure' ? this.#break(startUs) : undefined])
    const [{ result, endUs }] = await orReason(both, signal).finally(() => clearInterval(ticking))
    journal.phase(name, startUs, endUs)
    this.#workers.push(...result.facts)
    this.#noteWritten(result.touched)
    return result
  }

  /** Breaks what the scenario asks for; goes on until everything is mended, also when the run ends early. */
  #break(phaseStartUs: number): Promise<void> {
    const signal = AbortSignal.any([this.#open.signal, this.#ending.signal])
    const note = (sentence: string) => this.#context.progress.note(`${systemName(this.#context.system)}: ${sentence}`)
    const breaking = breakMeanwhile(this.#open, phaseStartUs, note, signal).then(
      (happened) => void (this.#faults = happened),
    )
    this.#breaking = breaking.catch(() => undefined)
    return breaking
  }

  #noteWritten(keys: Float64Array): void {
    this.#written = mergeKeys([this.#written, keys])
    this.#unsettled = mergeKeys([this.#unsettled, keys])
  }

  /** Over the keys written since the DCs were last seen equal: fewer keys make the digests quicker, and the bracket narrower. */
  #converge(): Promise<Convergence> {
    const { admin, journal, signal } = this.#open
    const waiting = {
      epochUs: journal.epoch.monotonicUs,
      timeoutMs: this.#context.scenario.drainTimeoutMs,
      loadedRows: this.#open.plan.table.rows,
      mayStayApart: this.#context.system.replication.capabilities.conflicts === 'diverges',
    }
    return orReason(converge(admin, this.#dcNames, this.#unsettled, waiting, signal), signal)
  }

  #readBack(wereEqual: boolean): Promise<ReadBack> {
    const { admin, content } = this.#open
    const folder = join(this.#context.folder, RUN_FILES.ledger)
    return readBack(admin, this.#dcNames, this.#written, content, folder, wereEqual)
  }
}
