// Puts together run.json: everything that a run knows of itself before anybody analyses it.
import type { DeployPlan } from '../contract/driver.ts'
import type { Counters } from '../contract/store-words.ts'
import type { FaultFacts } from '../contract/fault.ts'
import type { CounterMark, ProberFacts, RunFacts, WorkerPhase } from '../contract/run-folder.ts'
import type { WarmUpStretch } from '../contract/warm-up.ts'
import { externalUse } from '../deploy/external-endpoints.ts'
import { machine } from '../measure/resources.ts'
import type { RunContext } from '../run.ts'
import { workloadOptions } from '../systems.ts'
import { roundRate, AUTO_SHARE, type Calibration } from './calibrate.ts'
import type { Convergence } from './converge.ts'
import type { OpenedRun } from './open.ts'
import type { ReadBack } from './read-back.ts'

/** What the second half of a run gathered; times in µs since its epoch. */
interface Gathered {
  readonly rowsPerSecond: number | null
  readonly calibration: Calibration | undefined
  readonly workers: readonly WorkerPhase[]
  readonly probers: readonly ProberFacts[]
  readonly marks: readonly CounterMark[]
  readonly faults: readonly FaultFacts[]
  readonly warmUp: readonly WarmUpStretch[]
  readonly lastOutcomeUs: number
  readonly convergence: Convergence | undefined
  readonly back: ReadBack | undefined
  readonly counters: Counters
  readonly pressure: RunFacts['pressure']
}

function rateText({ rate }: RunContext['scenario']): string {
  return rate.kind === 'fixed' ? String(rate.rowsPerSecond) : rate.kind
}

function calibrationFacts(calibration: Calibration | undefined): RunFacts['calibration'] {
  if (calibration === undefined) return null
  const { acknowledgedPerSecond, visiblePerSecond } = calibration
  return { acknowledgedPerSecond, visiblePerSecond, rowsPerSecond: roundRate(AUTO_SHARE * visiblePerSecond) }
}

/** The settings that mean something: those of servers that are there already are their own. */
function settingsInForce({ scenario, system: { entry, settings } }: RunContext): Readonly<Record<string, string>> {
  if (scenario.deployment !== 'external') return settings
  const { settings: ours } = externalUse(entry.driver)
  return Object.fromEntries(Object.entries(settings).filter(([name]) => ours.includes(name)))
}

function externalFacts({ system }: RunContext, plan: DeployPlan): Pick<RunFacts['scenario'], 'external'> {
  const { external } = plan
  if (external === undefined) return {}
  const dcs = Object.entries(external.access)
  const services = system.entry.driver.services(plan)
  return {
    external: {
      encryption: Object.fromEntries(
        dcs.map(([dc, { tls }]) => [dc, tls === null ? 'none' : tls.verify ? 'verified' : 'unverified']),
      ),
      peerEncryption: Object.fromEntries(dcs.map(([dc, { peerTls }]) => [dc, peerTls.mode])),
      besideHarness: services.filter(({ role }) => role === 'replication').map(({ name }) => name),
    },
  }
}

export function factsOf(context: RunContext, opened: OpenedRun, gathered: Gathered): RunFacts {
  const { scenario, system, workload } = context
  const { rows, overlap, skew, distribution, deletes } = workloadOptions(scenario, workload)
  const { convergence, back } = gathered
  const containers = opened.house.containerFacts()
  const waits = system.replication.waits?.(system.settings)
  return {
    format: 1,
    index: context.index,
    repeat: context.repeat,
    system: {
      driver: system.entry.driver.name,
      replication: system.replication.name,
      mode: system.mode.name,
      capabilities: system.replication.capabilities,
      settings: settingsInForce(context),
      store: opened.store,
      ...(waits === undefined ? {} : { waits }),
    },
    scenario: {
      workload: workload.workload.name,
      rows,
      columns: opened.plan.table.columns,
      overlap,
      skew,
      distribution,
      shardKey: 'key',
      topology: opened.topology,
      deployment: scenario.deployment,
      ...externalFacts(context, opened.plan),
      seed: scenario.seed,
      arrivals: scenario.arrivals,
      rowsPerSecond: gathered.rowsPerSecond,
      rateAsked: rateText(scenario),
      batchRows: system.batchRows,
      lingerMs: system.lingerMs,
      writers: system.writers,
      inFlight: system.mode.inFlight,
      timeoutMs: scenario.timeoutMs,
      durationSeconds: scenario.durationMs / 1000,
      probesPerSecond: scenario.probesPerSecond,
      quick: scenario.quick,
      causality: scenario.causality,
      deletes,
      takesTurns: workload.workload.takesTurns !== undefined,
      clockSkewMs: scenario.clockSkewMs,
    },
    epoch: opened.journal.epoch,
    machine: { ...machine(), geowrite: context.version },
    ground: opened.house.ground,
    phases: opened.journal.phases,
    calibration: calibrationFacts(gathered.calibration),
    loading: opened.loading,
    ...(gathered.warmUp.length === 0 ? {} : { warmUp: gathered.warmUp }),
    workers: gathered.workers,
    probers: gathered.probers,
    links: { before: opened.house.verified },
    marks: gathered.marks,
    faults: gathered.faults,
    convergence: {
      lastOutcomeUs: gathered.lastOutcomeUs,
      checks: convergence?.checks ?? [],
      timedOut: convergence?.timedOut ?? false,
      restedApart: convergence?.restedApart ?? false,
      wholeTableEqual: back?.wholeTableEqual ?? null,
      ...(back === undefined ? {} : { readBacks: back.reads }),
      startedEqual: opened.startedEqual,
    },
    divergent: back?.divergent ?? { total: 0, rows: [] },
    counters: gathered.counters,
    pressure: gathered.pressure,
    ledgerDropped: false,
    ...(containers === undefined ? {} : { containers }),
  }
}
