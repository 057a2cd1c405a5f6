// One run of one system, top to bottom: deploy, verify the links, prepare, load, warm up, calibrate, measure, stop the writers,
// drain, converge, check, tear down. What it leaves is facts; the analysis reads them from the run folder.
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Admin, DeployPlan, Endpoints, StoreDescription } from './contract/driver.ts'
import { EVENT_COLUMNS, RUN_FILES, type CounterMark, type WorkerPhase } from './contract/run-folder.ts'
import type { Scenario } from './contract/scenario.ts'
import type { Topology } from './contract/topology.ts'
import { nowUs } from './lib/clock.ts'
import { ContentMaker } from './lib/content.ts'
import type { Progress } from './cli/progress.ts'
import { atSeconds, CsvLog } from './measure/csv-log.ts'
import { Pressure } from './measure/resources.ts'
import { factsOf } from './stages/facts.ts'
import { calibrate, type Calibration } from './stages/calibrate.ts'
import { converge, differingBuckets, type Convergence } from './stages/converge.ts'
import { House } from './stages/house.ts'
import { loadedRows } from './stages/loading.ts'
import { readBack, type ReadBack } from './stages/read-back.ts'
import { Sampler } from './stages/sampler.ts'
import { startThreads } from './stages/start-threads.ts'
import type { PhaseOrder } from './stages/thread-plan.ts'
import type { Threads } from './stages/threads.ts'
import { deployPlanOf, systemName, topologyOf, type System } from './systems.ts'
import type { WorkloadEntry } from './registry.ts'

export interface RunContext {
  readonly scenario: Scenario
  readonly system: System
  readonly workload: WorkloadEntry
  readonly version: string
  /** This run's own folder, to be made. */
  readonly folder: string
  readonly index: number
  readonly repeat: number
  readonly progress: Progress
  readonly signal: AbortSignal
}

type Event = readonly [kind: string, name: string, detail: string]

/** A system that is deployed, loaded and ready to be written to. */
export class Run implements AsyncDisposable {
  readonly #context: RunContext
  readonly #topology: Topology
  readonly #plan: DeployPlan
  readonly #content: ContentMaker
  readonly #epoch = { wallMs: Date.now(), monotonicUs: nowUs(), clock: 'CLOCK_MONOTONIC, one host' } as const
  readonly #cleanup = new AsyncDisposableStack()
  readonly #phases: { name: string; startUs: number; endUs: number }[] = []
  readonly #workers: WorkerPhase[] = []
  readonly #marks: CounterMark[] = []
  #signal: AbortSignal
  #events!: CsvLog
  #house!: House
  #admin!: Admin
  #threads!: Threads
  #sampler!: Sampler
  #store: StoreDescription | null = null
  #loading = { seconds: 0, how: '' }
  #startedEqual: boolean | null = null
  #calibration: Calibration | undefined

  private constructor(context: RunContext) {
    this.#context = context
    this.#signal = context.signal
    this.#topology = topologyOf(context.scenario)
    this.#plan = deployPlanOf(context.system, context.scenario, context.workload, randomBytes(16).toString('hex'))
    this.#content = new ContentMaker(this.#plan.table.columns, context.scenario.seed)
  }

  /** Deploys and loads. What was started is ended again when it fails. */
  static async open(context: RunContext): Promise<Run> {
    const run = new Run(context)
    try {
      await run.#open()
      return run
    } catch (error) {
      await run[Symbol.asyncDispose]()
      throw error
    }
  }

  get name(): string {
    return systemName(this.#context.system)
  }

  /** Where the stores are, for whoever wants to look at them without the harness. */
  get stores(): { readonly endpoints: Endpoints; readonly plan: DeployPlan; readonly dataFolder: string } {
    return { endpoints: this.#house.endpoints(), plan: this.#plan, dataFolder: this.#house.ground.folder }
  }

  get #dcNames(): string[] {
    return this.#topology.dcs.map((dc) => dc.name)
  }

  get #readable(): boolean {
    return this.#context.system.replication.capabilities.readable
  }

  #step(text: string): void {
    this.#context.progress.step(`${this.name}: ${text}`)
  }

  #event(...[kind, name, detail]: Event): void {
    this.#events.row([atSeconds(nowUs() - this.#epoch.monotonicUs), kind, name, detail])
  }

  async #open(): Promise<void> {
    const { scenario, system, folder, progress } = this.#context
    const { driver } = system.entry
    mkdirSync(join(folder, RUN_FILES.ledger), { recursive: true })
    this.#events = new CsvLog(join(folder, RUN_FILES.events), EVENT_COLUMNS)
    this.#cleanup.defer(() => this.#events.close())

    this.#step(`starting ${this.#dcNames.join(' and ')}, ${scenario.delayMs} ms apart`)
    this.#house = this.#cleanup.use(await House.open(driver, this.#plan, this.#topology, scenario, this.#signal))
    this.#signal = AbortSignal.any([this.#context.signal, this.#house.died])
    this.#event('stage', 'deployed', '')

    this.#admin = this.#cleanup.use(await driver.admin(this.#house.endpoints(), this.#plan, this.#signal))
    await this.#admin.prepare()
    this.#store = await this.#admin.describe()

    const rows = this.#plan.table.rows.toLocaleString('en-US')
    this.#step(`loading ${rows} rows into each DC`)
    const startedMs = performance.now()
    await this.#admin.load(loadedRows(this.#plan.table, this.#content), (done) =>
      progress.live(`${Math.round((100 * done) / this.#plan.table.rows)} %`),
    )
    this.#loading = { seconds: (performance.now() - startedMs) / 1000, how: 'loaded in each DC' }
    if (this.#readable) this.#startedEqual = (await differingBuckets(this.#admin, this.#dcNames, 64)).length === 0
    this.#event('stage', 'loaded', rows)

    await this.#admin.replicate()
    await this.#house.startReplication(this.#signal)
    this.#sampler = new Sampler(folder, this.#house, this.#admin, this.#epoch.monotonicUs)
    this.#cleanup.defer(() => this.#sampler.close())
    this.#threads = this.#cleanup.use(
      await startThreads(this.#context, this.#plan, this.#house, this.#epoch.monotonicUs, this.#epoch.wallMs * 1000),
    )
  }

  /** Finds what the system can do, and waits until it has caught up with it. */
  async calibrate(): Promise<Calibration> {
    this.#step('calibrating')
    const calibration = await this.#orFail(
      calibrate(this.#threads, this.#context.scenario.quick, this.#readable, this.#signal),
    )
    this.#calibration = calibration
    const { startUs, endUs, phase } = calibration
    this.#addPhase('calibrate', startUs, endUs)
    this.#workers.push(...phase.facts)
    if (this.#readable) {
      this.#step('catching up after the calibration')
      await this.#converge(phase.touched)
    }
    return calibration
  }

  /** Offers the load, stops, waits for the DCs to agree, reads everything back and stores the facts. `null` is a closed loop. */
  async measure(rowsPerSecond: number | null): Promise<void> {
    const { scenario, progress } = this.#context
    const seconds = scenario.durationMs / 1000
    await this.#orFail(this.#admin.flush())
    this.#house.startPings()
    const rate = rowsPerSecond === null ? 'as fast as it goes' : `${rowsPerSecond.toLocaleString('en-US')} rows/s`
    if (scenario.warmupMs > 0) {
      this.#step(`warming up, ${rate}`)
      await this.#phase('warmup', scenario.warmupMs, rowsPerSecond)
    }
    this.#step(`measuring ${seconds} s, ${rate}`)
    const ticking = setInterval(() => progress.live(this.#liveText(seconds)), 500)
    const pressure = new Pressure()
    this.#marks.push(await this.#sampler.mark('measure-start'))
    const measured = await this.#phase('measure', scenario.durationMs, rowsPerSecond).finally(() =>
      clearInterval(ticking),
    )
    const felt = pressure.end()
    const [convergence] = await Promise.all([
      this.#readable ? this.#drain(measured.touched) : undefined,
      this.#sampler.mark('measure-end').then((mark) => this.#marks.push(mark)),
      this.#threads.closeGenerators(),
    ])
    this.#marks.push(await this.#sampler.mark('converged'))
    const probers = await this.#threads.closeProbers()
    await this.#admin.flush()
    this.#marks.push(await this.#sampler.mark('flushed'))
    this.#step('reading every written row back')
    const back = this.#readable ? await this.#orFail(this.#readBack(measured.touched)) : undefined
    const counters = await this.#admin.counters()
    await this.#house.writeRoundTrips(
      join(this.#context.folder, RUN_FILES.rtt),
      this.#epoch.monotonicUs,
      this.#phases,
      this.#signal,
    )
    this.#event('stage', 'done', '')
    const offered = measured.facts.reduce((sum, facts) => sum + facts.offered, 0)
    progress.note(
      `${this.name}: ${offered.toLocaleString('en-US')} rows offered, ${measured.progress.acknowledged.toLocaleString('en-US')} acknowledged`,
    )
    const facts = factsOf(this.#context, this.#topology, this.#plan, {
      store: this.#store,
      epoch: this.#epoch,
      ground: this.#house.ground,
      rowsPerSecond,
      calibration: this.#calibration,
      loading: this.#loading,
      startedEqual: this.#startedEqual,
      linksBefore: this.#house.verified,
      phases: this.#phases,
      workers: this.#workers,
      probers,
      marks: this.#marks,
      lastOutcomeUs: measured.lastOutcomeUs - this.#epoch.monotonicUs,
      convergence,
      back,
      counters,
      pressure: felt,
    })
    writeFileSync(join(this.#context.folder, RUN_FILES.run), `${JSON.stringify(facts, null, 2)}\n`)
  }

  /** Ends everything; safe to call at any time, also twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync()
  }

  /** Waits for a stage, but no longer than until the run is interrupted or a service dies. */
  #orFail<T>(stage: Promise<T>): Promise<T> {
    const signal = this.#signal
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => reject(signal.reason as Error)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      stage.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  #addPhase(name: string, startUs: number, endUs: number): void {
    const { monotonicUs } = this.#epoch
    this.#phases.push({ name, startUs: startUs - monotonicUs, endUs: endUs - monotonicUs })
    this.#events.row([atSeconds(startUs - monotonicUs), 'phase', name, 'start'])
    this.#events.row([atSeconds(endUs - monotonicUs), 'phase', name, 'end'])
  }

  async #phase(name: 'warmup' | 'measure', durationMs: number, rowsPerSecond: number | null) {
    const { probesPerSecond } = this.#context.scenario
    const startUs = nowUs() + 20_000
    const endUs = startUs + durationMs * 1000
    const expected = rowsPerSecond ?? this.#calibration?.acknowledgedPerSecond ?? CLOSED_LOOP_GUESS
    const share = probesPerSecond === 'all' ? 1 : Math.min(1, probesPerSecond / expected)
    const order: PhaseOrder = {
      name,
      startUs,
      endUs,
      rowsPerSecond: rowsPerSecond === null ? null : rowsPerSecond / this.#topology.dcs.length,
      probeShare: this.#readable ? share : 0,
    }
    const result = await this.#orFail(this.#threads.phase(order))
    this.#addPhase(name, startUs, endUs)
    this.#workers.push(...result.facts)
    return result
  }

  #liveText(seconds: number): string {
    const { offered, acknowledged, failed, unknown } = this.#threads.progress()
    const trouble = failed + unknown > 0 ? `, ${failed} failed, ${unknown} unknown` : ''
    return `${offered.toLocaleString('en-US')} offered, ${acknowledged.toLocaleString('en-US')} acknowledged${trouble}, of ${seconds} s`
  }

  #converge(keys: Float64Array): Promise<Convergence> {
    const { drainTimeoutMs } = this.#context.scenario
    return this.#orFail(
      converge(this.#admin, this.#dcNames, keys, this.#epoch.monotonicUs, drainTimeoutMs, this.#signal),
    )
  }

  #drain(keys: Float64Array): Promise<Convergence> {
    this.#step('writers stopped; waiting until the DCs agree')
    return this.#converge(keys)
  }

  #readBack(keys: Float64Array): Promise<ReadBack> {
    return readBack(this.#admin, this.#dcNames, keys, this.#content, join(this.#context.folder, RUN_FILES.ledger))
  }
}

/** Rows/s taken for a closed loop that was not calibrated, only to choose how many rows to probe. */
const CLOSED_LOOP_GUESS = 50_000
