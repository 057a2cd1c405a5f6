// What a bench would take before it is run: time, disk and memory, from the scenario and what the drivers say of their stores.
// Rates and sizes are those of the two-core machine on which they were measured (docs/large-tables.md).
import type { Scenario } from './contract/scenario.ts'
import { ADDED_PARTS, type Estimate, type EstimatedPhase, type EstimatedSystem, type Part } from './estimate-parts.ts'
import type { WorkloadEntry } from './registry.ts'
import { deployPlanOf, systemName, topologyOf, workloadOptions, type System } from './systems.ts'

/** Rows/s over all DCs where only a calibration or a closed loop will tell: no store here does more on a small machine. */
const RATE_BOUND = 500_000
/** The same for times, where a bound would mislead. */
const RATE_USUAL = 30_000
const CALIBRATION_SECONDS = { quick: 2.5, full: 4 } as const
/** A warm-up until steady, and the one of those that comes before a calibration. */
const STEADY_SECONDS = 45
const STEADY_CALIBRATION_SECONDS = 60
const START_SECONDS = 3
/** Rows × DCs a second of the whole machine. */
const LOAD_PER_SECOND = 380_000
const DIGEST_PER_SECOND = 600_000
const READ_BACK_PER_SECOND = 60_000
const ANALYSE_PER_SECOND = 150_000
/** Equal digests must be seen again after a while, and writes must cross the WAN first. */
const DRAIN_SECONDS = 0.5

const LEDGER_WRITE_BYTES = 48
/** A probe in the ledger, and its line of lag.csv. */
const PROBE_BYTES = 41 + 95
const FINAL_ROW_BYTES = 25
/** What a write found of one other DC, where causality is exact. */
const CAUSE_BYTES = 25
/** What `--export-ledger` writes of each, at most a little more than measured (docs/ledger.md). */
const EXPORTED_BYTES = {
  parquet: { write: 40, probe: 35, final: 30, cause: 25 },
  csv: { write: 170, probe: 95, final: 70, cause: 70 },
} as const
/** Everything else that a run leaves. */
const RUN_FILES_BYTES = 300e3
const RUN_FILES_BYTES_PER_SECOND = 5e3

const HARNESS_BYTES = 170e6
/** A generator or prober thread. */
const THREAD_BYTES = 45e6
/** A relay, or a process of a driver's replication. */
const PROCESS_BYTES = 115e6
const TOUCHED_KEY_BYTES = 24

/** Rows/s over all DCs: the rate asked for, else `unknown`. */
function rateOf({ rate }: Scenario, unknown: number): number {
  return rate.kind === 'fixed' ? rate.rowsPerSecond : unknown
}

/** DCs of every row's version vector. */
function vectorDcsOf({ causality, dcs }: Scenario): number {
  return causality === 'exact' ? dcs.length : 0
}

/** How many runs' stores are held at once: without repeats a common rate is found with all of them deployed. */
function heldAtOnce(scenario: Scenario, systems: readonly System[]): number {
  const apart = scenario.repeat > 1 || scenario.deployment === 'external'
  return scenario.rate.kind === 'auto' && !apart ? systems.length : 1
}

function calibrationSeconds({ rate, quick }: Scenario, { warmup }: System): number {
  const calibrates = rate.kind === 'auto' || rate.kind === 'auto-each'
  const ramp = warmup === 'steady' ? STEADY_CALIBRATION_SECONDS : 0
  return calibrates ? ramp + CALIBRATION_SECONDS[quick ? 'quick' : 'full'] : 0
}

const warmUpSeconds = ({ warmup }: System): number => (warmup === 'steady' ? STEADY_SECONDS : warmup / 1000)

/** Warm-up and measured phase. */
const loadedSeconds = (scenario: Scenario, system: System): number => warmUpSeconds(system) + scenario.durationMs / 1000

/** What one run of a system writes, in rows over all DCs, and how many keys at most. */
function writtenBy(scenario: Scenario, system: System, rows: number, unknownRate: number) {
  // What warms up is no store that takes rows at the rate of the bound.
  const slowest = system.warmup === 'steady' ? Math.min(unknownRate, RATE_USUAL) : unknownRate
  const measured = rateOf(scenario, slowest) * loadedSeconds(scenario, system)
  const written = measured + slowest * calibrationSeconds(scenario, system)
  return { written, keys: Math.min(written, rows) }
}

/** The system that writes the most stands for all where they share what it takes. */
function mostWrittenBy(scenario: Scenario, systems: readonly System[], rows: number, unknownRate: number) {
  const each = systems.map((system) => writtenBy(scenario, system, rows, unknownRate))
  return each.reduce((most, one) => (one.written > most.written ? one : most))
}

function phasesOf(scenario: Scenario, system: System, rows: number): EstimatedPhase[] {
  const dcs = scenario.dcs.length
  const { readable } = system.replication.capabilities
  const { written, keys } = writtenBy(scenario, system, rows, RATE_USUAL)
  const longestMs = Math.max(...topologyOf(scenario).links.map((link) => link.delayMs))
  const digest = readable ? (rows * dcs) / DIGEST_PER_SECOND : 0
  const phases: [name: string, seconds: number][] = [
    ['start', START_SECONDS],
    ['load', (rows * dcs) / LOAD_PER_SECOND],
    ['compare', digest],
    ['calibrate', calibrationSeconds(scenario, system)],
    ['warm-up', warmUpSeconds(system)],
    ['measure', scenario.durationMs / 1000],
    ['drain', readable ? DRAIN_SECONDS + longestMs / 1000 : 0],
    ['read-back', readable ? digest + (keys * dcs) / READ_BACK_PER_SECOND : 0],
    ['analyse', written / ANALYSE_PER_SECOND],
  ]
  return phases.filter(([, seconds]) => seconds > 0).map(([name, seconds]) => ({ name, seconds }))
}

/** The parts of the systems that are deployed at once, at their largest. */
function largestHeld<T extends { readonly total: number }>(each: readonly T[], held: number): readonly T[] {
  return each.toSorted((a, b) => b.total - a.total).slice(0, held)
}

const sumOf = <T>(list: readonly T[], bytesOf: (item: T) => number): number =>
  list.reduce((sum, item) => sum + bytesOf(item), 0)

function diskOf(scenario: Scenario, systems: readonly System[], workload: WorkloadEntry, rows: number): Part[] {
  const dcs = scenario.dcs.length
  const vectorDcs = vectorDcsOf(scenario)
  const { columns } = workload.workload.table(workloadOptions(scenario, workload))
  const { written, keys } = mostWrittenBy(scenario, systems, rows, RATE_BOUND)
  const bound = scenario.rate.kind !== 'fixed'
  const rowsPerSecond = rateOf(scenario, RATE_BOUND)
  const each = systems.map(({ entry: { driver }, settings }) => {
    const beside = (writtenRows: number) =>
      dcs * (driver.needs?.({ columns, rows, writtenRows, settings, vectorDcs }).diskBytes ?? 0)
    const own = dcs * rows * driver.bytesPerRow(columns)
    const [loaded, total] = [beside(rows), own + beside(rows + written)]
    return { own, loaded, run: total - own - loaded, total }
  })
  // What is stored on the user's servers is not on this machine.
  const held = scenario.deployment === 'external' ? [] : largestHeld(each, heldAtOnce(scenario, systems))
  const probed = scenario.probesPerSecond === 'all' ? rowsPerSecond : Math.min(scenario.probesPerSecond, rowsPerSecond)
  const seconds = Math.max(...systems.map((system) => loadedSeconds(scenario, system)))
  const runs = systems.length * scenario.repeat
  const caused = vectorDcs === 0 ? 0 : written * (dcs - 1)
  const probes = probed * seconds * (dcs - 1)
  const ledger =
    written * LEDGER_WRITE_BYTES + caused * CAUSE_BYTES + probes * PROBE_BYTES + keys * dcs * FINAL_ROW_BYTES
  const form = scenario.exportLedger === undefined ? undefined : EXPORTED_BYTES[scenario.exportLedger]
  const exported =
    form === undefined ? 0 : written * form.write + caused * form.cause + probes * form.probe + keys * dcs * form.final
  return [
    { name: 'rows', place: 'data', bytes: sumOf(held, (one) => one.own) },
    { name: 'logs and copies', place: 'data', bytes: sumOf(held, (one) => one.loaded) },
    { name: 'what the run writes', place: 'data', bytes: sumOf(held, (one) => one.run), bound },
    { name: 'figures', place: 'out', bytes: runs * (RUN_FILES_BYTES + RUN_FILES_BYTES_PER_SECOND * seconds) },
    { name: 'ledgers', place: 'out', bytes: runs * ledger, bound },
    { name: 'exported ledgers', place: 'out', bytes: runs * exported, bound },
  ]
}

function memoryOf(scenario: Scenario, systems: readonly System[], workload: WorkloadEntry, rows: number): Part[] {
  const dcs = scenario.dcs.length
  const vectorDcs = vectorDcsOf(scenario)
  const { columns } = workload.workload.table(workloadOptions(scenario, workload))
  const { written, keys } = mostWrittenBy(scenario, systems, rows, RATE_BOUND)
  const bound = scenario.rate.kind !== 'fixed'
  const isHere = scenario.deployment !== 'external'
  const held = heldAtOnce(scenario, systems)
  const threads = dcs * (scenario.workers + 1)
  const each = systems.map((system) => {
    const { driver } = system.entry
    const own =
      driver.needs?.({ columns, rows, writtenRows: rows + written, settings: system.settings, vectorDcs })
        .memoryBytes ?? 0
    const services = driver.services(deployPlanOf(system, scenario, workload, ''))
    const processes = services.filter((service) => service.role === 'replication').length
    return { total: (isHere ? own * dcs : 0) + processes * PROCESS_BYTES }
  })
  return [
    { name: 'harness', bytes: HARNESS_BYTES + held * threads * THREAD_BYTES },
    { name: 'keys written', bytes: held * keys * TOUCHED_KEY_BYTES, bound },
    { name: 'links', bytes: isHere ? held * ((dcs * (dcs - 1)) / 2) * PROCESS_BYTES : 0 },
    { name: 'stores and their replication', bytes: sumOf(largestHeld(each, held), (one) => one.total) },
  ].map((part) => ({ ...part, place: 'memory' as const }))
}

/** Nothing is started or written; `systems` are those of the scenario. */
export function estimateOf(scenario: Scenario, systems: readonly System[], workload: WorkloadEntry): Estimate {
  const { rows } = workloadOptions(scenario, workload)
  const described = systems.map((system): EstimatedSystem => {
    const phases = phasesOf(scenario, system, rows)
    const { mode, batchRows, lingerMs, writers } = system
    return { name: systemName(system), mode: mode.name, batchRows, lingerMs, writers, phases }
  })
  // Under `auto` only the first of several repeats calibrates.
  const repeated = scenario.rate.kind === 'auto' ? scenario.repeat - 1 : 0
  const seconds = described.reduce((sum, system, i) => {
    const saved = calibrationSeconds(scenario, systems[i]) * repeated
    const once = system.phases.reduce((total, phase) => total + phase.seconds, 0)
    return sum + once * scenario.repeat - saved
  }, 0)
  const parts = [...diskOf(scenario, systems, workload, rows), ...memoryOf(scenario, systems, workload, rows)]
  return {
    workload: workload.workload.name,
    rows,
    topology: topologyOf(scenario),
    systems: described,
    runs: systems.length * scenario.repeat,
    heldAtOnce: heldAtOnce(scenario, systems),
    seconds,
    parts: parts.filter(ADDED_PARTS),
  }
}
