// A system deployed as a run deploys it, with writers in its first DC alone, and geowrite's own turn on it.
import { join } from 'node:path'
import type { Address, DeployPlan, Endpoints } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { WorkerPhase } from '../contract/run-folder.ts'
import type { WorkloadOptions } from '../contract/workload.ts'
import { parseScenario } from '../cli/scenario-schema.ts'
import { orReason } from '../lib/abort.ts'
import { delay, nowUs } from '../lib/clock.ts'
import { harnessUsage } from '../measure/resources.ts'
import { differingBuckets, digestsOf } from '../stages/digests.ts'
import { openRun, type OpenedRun } from '../stages/open.ts'
import { ORDER_AHEAD_US } from '../stages/thread-plan.ts'
import { systemName, systemsOf, workloadOf, workloadOptions, type System } from '../systems.ts'
import type { Registry, WorkloadEntry } from '../registry.ts'
import type { ContestOrder, Sample, Side } from './comparison.ts'
import type { RowsOrder } from './made-rows.ts'

/** How long the other DCs may take to catch up after a turn, and how long what then still runs in a store may go on. */
const SETTLE_MS = 20_000
const LOOK_EVERY_MS = 100
const PROOF_BUCKETS = 64

/** What is deployed: options as on the command line. */
export type SystemOptions = Readonly<Record<string, string>>

interface Resolved {
  readonly scenario: ReturnType<typeof parseScenario>
  readonly system: System
  readonly workload: WorkloadEntry
}

function resolve(options: SystemOptions, registry: Registry, place?: ContestOrder['place']): Resolved {
  const scenario = { ...parseScenario(options), ...place }
  const [system] = systemsOf(scenario, registry)
  return { scenario, system, workload: workloadOf(scenario, registry) }
}

/** What the system lacks on this machine, as its driver says it. */
export function missingFor(options: SystemOptions, registry: Registry): Promise<string | undefined> {
  const { system } = resolve(options, registry)
  return system.entry.driver.missing(system.settings)
}

/** A system with its DCs up, its table loaded and replicating, and writers waiting in the first DC. */
export class Deployed {
  readonly system: System
  readonly workload: WorkloadEntry
  readonly workloadOptions: WorkloadOptions
  readonly seed: number
  readonly signal: AbortSignal
  readonly #open: OpenedRun

  private constructor({ scenario, system, workload }: Resolved, open: OpenedRun) {
    this.system = system
    this.workload = workload
    this.workloadOptions = workloadOptions(scenario, workload)
    this.seed = scenario.seed
    this.signal = open.signal
    this.#open = open
  }

  /** Deploys and loads; `cleanup` ends it all. */
  static async open(options: SystemOptions, order: ContestOrder, cleanup: AsyncDisposableStack): Promise<Deployed> {
    const resolved = resolve(options, order.registry, order.place)
    const { scenario } = resolved
    const opened = await openRun({
      ...resolved,
      version: '',
      folder: join(order.folder, 'run'),
      index: 1,
      repeat: 1,
      writesIn: scenario.dcs.slice(0, 1),
      progress: order.progress,
      signal: order.signal,
    })
    cleanup.use(opened.cleanup)
    return new Deployed(resolved, opened)
  }

  /** The DC that is written to. */
  get dc(): string {
    return this.#open.plan.dcs[0].name
  }

  /** The rows that its first DC writes, for peers to write the same. */
  get rows(): RowsOrder {
    return { options: this.workloadOptions, seed: this.seed, dcCount: this.plan.dcs.length }
  }

  /** Where the DC that is written to listens, by port name. */
  get ports(): Readonly<Record<string, Address>> {
    return this.#open.house.endpoints()[this.dc]
  }

  /** Where every DC listens. */
  get endpoints(): Endpoints {
    return this.#open.house.endpoints()
  }

  /** All that the services were told; with what lets clients in, which never goes into an argument list or a log. */
  get plan(): DeployPlan {
    return this.#open.plan
  }

  /** Batches under way at once, over all writers of the DC. */
  get inFlight(): number {
    return this.system.writers * this.system.mode.inFlight
  }

  /** geowrite's own turn: a closed loop of its generator, ledger and histograms as in any run. */
  get side(): Side {
    return { turn: (durationMs) => this.turn(durationMs, null) }
  }

  /** A turn as a closed loop, or at `rowsPerSecond` on a schedule, with what the generator says of itself. */
  async turn(durationMs: number, rowsPerSecond: number | null): Promise<Sample & { readonly facts: WorkerPhase }> {
    const { threads } = this.#open
    const startUs = nowUs() + ORDER_AHEAD_US
    const endUs = startUs + durationMs * 1000
    const before = harnessUsage().cpuSeconds
    const phase = threads.phase({ name: 'measure', startUs, endUs, rowsPerSecond, probeShare: 0 })
    const { progress, lastOutcomeUs, facts } = await orReason(phase, this.signal)
    const cpuSeconds = harnessUsage().cpuSeconds - before
    const { acknowledged, failed, unknown, dropped } = progress
    if (failed + unknown + dropped > 0) {
      const why = Object.keys(facts[0].errors).join(', ')
      throw new BenchError(
        'STORE',
        `${systemName(this.system)} did not acknowledge ${failed + unknown + dropped} rows (${why}): a comparison needs a store that takes all; try again on a machine that does nothing else.`,
      )
    }
    return { amount: acknowledged, seconds: (lastOutcomeUs - startUs) / 1e6, cpuSeconds, facts: facts[0] }
  }

  /** Ends the replication services of ours: what is written from then on waits in the stores. */
  async endReplication(): Promise<void> {
    await this.#open.house.endReplication()
  }

  /** Starts them again. */
  async startReplication(): Promise<void> {
    await this.#open.house.startReplication(this.signal)
  }

  /** CPU-seconds that they have used; NaN where the stores replicate by themselves. */
  async replicationCpuSeconds(): Promise<number> {
    const own = (await this.#open.house.usage()).filter(({ role }) => role === 'replication')
    return own.length === 0 ? Number.NaN : own.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds ?? Number.NaN), 0)
  }

  /** Rejects with STORE unless all DCs hold the same rows. */
  async proveEqual(): Promise<void> {
    const dcs = this.plan.dcs.map(({ name }) => name)
    const digests = digestsOf(this.#open.admin, dcs, { buckets: PROOF_BUCKETS })
    const differing = differingBuckets(await orReason(digests, this.signal)).length
    if (differing === 0) return
    throw new BenchError(
      'STORE',
      `${systemName(this.system)} left its DCs apart (${differing} of ${PROOF_BUCKETS} parts of the table differ): what did not converge has no rate.`,
    )
  }

  /** Stops the stores of the other DCs where they stand: they then take nothing from the one that is written to. */
  async pauseOthers(): Promise<void> {
    const { pause } = this.#open.house.faultGround()
    await Promise.all(this.#otherStores().map(pause))
  }

  /** Lets them go on. */
  async resumeOthers(): Promise<void> {
    const { resume } = this.#open.house.faultGround()
    await Promise.all(this.#otherStores().map(resume))
  }

  #otherStores(): string[] {
    const services = this.system.entry.driver.services(this.#open.plan)
    return services.filter(({ role, dc }) => role === 'store' && dc !== this.dc).map(({ name }) => name)
  }

  /** A counter that the nodes keep of themselves, over all DCs; NaN where there is none. */
  async ownCounter(name: string): Promise<number> {
    const { own } = await orReason(this.#open.admin.counters(), this.signal)
    return own[name] ?? Number.NaN
  }

  /** Waits until nothing is left to replicate, or for as long as one is ready to wait. */
  async settle(): Promise<void> {
    const giveUpAtMs = performance.now() + SETTLE_MS
    while (performance.now() < giveUpAtMs && (await this.hasBacklog()) === true) await delay(LOOK_EVERY_MS, this.signal)
  }

  /** Whether anything is left to replicate; undefined where the DC that is written to does not say, as a busy one may not. */
  async hasBacklog(): Promise<boolean | undefined> {
    const backlog = await orReason(this.#open.admin.backlog(), this.signal)
    if (backlog.some(({ amount }) => amount > 0)) return true
    return backlog.some(({ from }) => from === this.dc) ? false : undefined
  }
}
