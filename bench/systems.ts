// Resolves a scenario against what exists: which systems run, with which table, mode and settings.
import type { DeployPlan, Driver, Replication, WriteMode } from './contract/driver.ts'
import { BenchError } from './contract/errors.ts'
import type { External } from './contract/external.ts'
import type { Scenario } from './contract/scenario.ts'
import type { Link, Topology } from './contract/topology.ts'
import type { WorkloadOptions } from './contract/workload.ts'
import { externalServers, externalUse } from './deploy/external-endpoints.ts'
import { WRITERS_MAX } from './lib/dot.ts'
import { refuseMisfits } from './fitting.ts'
import { suggestion } from './lib/nearest.ts'
import type { DriverEntry, Registry, WorkloadEntry } from './registry.ts'

/** Driver, replication and settings: one thing under test. */
export interface System {
  readonly entry: DriverEntry
  readonly replication: Replication
  readonly mode: WriteMode
  readonly settings: Readonly<Record<string, string>>
  readonly batchRows: number
  readonly lingerMs: number
  readonly writers: number
  /** How long the load runs before it is measured, in ms. */
  readonly warmup: number | 'steady'
}

/** Warm-ups of systems that do not get faster while they run, and of quick runs. */
const WARMUP_MS = 3000
const QUICK_WARMUP_MS = 1000
const LINGER_MS = 5

/** The short name of a system, for progress and folders; it names the mode where that is not the driver's first. */
export function systemName({ entry: { driver }, replication, mode }: System): string {
  return [driver.name, replication.name, ...(mode === driver.modes[0] ? [] : [mode.name])].join(' ')
}

function named<T>(list: readonly T[], nameOf: (item: T) => string, wanted: string, what: string): T {
  const found = list.find((item) => nameOf(item) === wanted)
  if (found !== undefined) return found
  throw new BenchError('USAGE', `There is no ${what} ${wanted}: ${suggestion(wanted, list.map(nameOf))}`)
}

export function workloadOf(scenario: Scenario, registry: Registry): WorkloadEntry {
  return named(registry.workloads, (entry) => entry.workload.name, scenario.workload, 'workload')
}

/** The workload's own defaults where the user said nothing. */
export function workloadOptions(scenario: Scenario, { workload }: WorkloadEntry): WorkloadOptions {
  return {
    rows: scenario.rows ?? workload.defaults.rows,
    overlap: scenario.overlap ?? workload.defaults.overlap,
    skew: scenario.skew ?? workload.defaults.skew,
    distribution: scenario.distribution ?? workload.defaults.distribution,
    deletes: scenario.deletes ?? workload.defaults.deletes,
  }
}

function settingsFor(scenario: Scenario, { driver }: DriverEntry): Record<string, string> {
  const settings: Record<string, string> = Object.fromEntries(
    driver.settings.map((setting) => [setting.name, setting.default]),
  )
  for (const [name, value] of Object.entries(scenario.settings[driver.name] ?? {})) {
    const setting = named(driver.settings, (known) => known.name, name, `setting of ${driver.name} called`)
    if (setting.type === 'boolean' && value !== 'true' && value !== 'false') {
      throw new BenchError('USAGE', `--set ${driver.name}.${name}=${value} must be true or false.`)
    }
    if (setting.type === 'number' && !Number.isFinite(Number(value.trim() || 'x'))) {
      throw new BenchError('USAGE', `--set ${driver.name}.${name}=${value} must be a number.`)
    }
    if (scenario.deployment === 'external') {
      const { settings: ours } = externalUse(driver)
      if (!ours.includes(name)) {
        throw new BenchError(
          'USAGE',
          `--set ${driver.name}.${name} is a setting of servers that geowrite starts: set it on your servers, and leave it out (${ours.join(', ')} can be set).`,
        )
      }
    }
    settings[name] = value
  }
  return settings
}

/** Every system of the scenario, in the order in which the drivers were named. */
export function systemsOf(scenario: Scenario, registry: Registry): System[] {
  const twice = scenario.drivers.find((name, i) => scenario.drivers.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new BenchError('USAGE', `--driver names ${twice} twice: to measure it several times, say --repeat=2.`)
  }
  const entries = scenario.drivers.map((name) => named(registry.drivers, (entry) => entry.driver.name, name, 'driver'))
  for (const driver of Object.keys(scenario.settings)) {
    named(entries, (entry) => entry.driver.name, driver, 'driver in this run')
  }
  const known = [
    ...new Set(entries.flatMap(({ driver }) => driver.replications.map((replication) => replication.name))),
  ]
  for (const name of scenario.replications)
    named(known, (replication) => replication, name, 'replication of these drivers called')
  const modes = [...new Set(entries.flatMap(({ driver }) => driver.modes.map((mode) => mode.name)))]
  for (const name of scenario.modes) named(modes, (mode) => mode, name, 'mode of these drivers called')
  const systems = entries.flatMap((entry) => {
    const { driver } = entry
    const settings = settingsFor(scenario, entry)
    const replications = driver.replications.filter(({ name }) => scenario.replications.includes(name))
    return (replications.length > 0 ? replications : [driver.replications[0]]).flatMap((replication) =>
      modesOf(scenario, entry).map((mode) => systemOf(scenario, entry, replication, mode, settings)),
    )
  })
  refuseMisfits(systems, workloadOf(scenario, registry), scenario, registry)
  return systems
}

/** The modes in which a driver runs: those asked for that it has. Throws USAGE where it has none of them. */
function modesOf(scenario: Scenario, { driver }: DriverEntry): readonly WriteMode[] {
  if (scenario.modes.length === 0) return [driver.modes[0]]
  const modes = driver.modes.filter(({ name }) => scenario.modes.includes(name))
  if (modes.length === 0) {
    const can = driver.modes.map(({ name }) => name).join(', ')
    throw new BenchError(
      'USAGE',
      `${driver.name} has no mode ${scenario.modes.join(' or ')}: it can ${can}; name its driver in a run of its own.`,
    )
  }
  return modes
}

function systemOf(
  scenario: Scenario,
  entry: DriverEntry,
  replication: Replication,
  mode: WriteMode,
  settings: System['settings'],
): System {
  const batchRows = mode.batchRows === 1 ? 1 : (scenario.batchRows ?? mode.batchRows)
  const lingerMs = batchRows === 1 ? 0 : (scenario.lingerMs ?? LINGER_MS)
  const writers = Math.min(WRITERS_MAX, Math.max(scenario.workers, scenario.writers ?? mode.writers))
  const usual = entry.driver.warmsUp === true ? 'steady' : WARMUP_MS
  const warmup = scenario.warmup ?? (scenario.quick ? QUICK_WARMUP_MS : usual)
  return { entry, replication, mode, settings, batchRows, lingerMs, writers, warmup }
}

/**
 * A full mesh: what the scenario says of all links, and over that what it says of single ones, of which the last prevails. Links
 * between servers that are not ours are unknown.
 */
export function topologyOf(scenario: Scenario): Topology {
  const dcs = scenario.dcs.map((name, index) => ({ name, index }))
  const names = dcs.flatMap((from) => dcs.filter((to) => to !== from).map((to) => ({ from: from.name, to: to.name })))
  const linkFor = scenario.deployment === 'external' ? unknownLink : linkOf
  return { dcs, links: names.map(({ from, to }) => linkFor(scenario, from, to)) }
}

/** Of servers that are not ours: nothing is faster than no delay. */
function unknownLink(_scenario: Scenario, from: string, to: string): Link {
  return { from, to, delayMs: 0, jitterMs: 0, isUnknown: true }
}

function linkOf(scenario: Scenario, from: string, to: string): Link {
  let { delayMs, jitterMs, bandwidthBytesPerSecond } = scenario
  for (const asked of scenario.links) {
    if (asked.from !== from || asked.to !== to) continue
    delayMs = asked.delayMs ?? delayMs
    jitterMs = asked.jitterMs ?? jitterMs
    if (asked.bandwidthBytesPerSecond !== undefined) bandwidthBytesPerSecond = asked.bandwidthBytesPerSecond
  }
  return {
    from,
    to,
    delayMs,
    jitterMs,
    ...(bandwidthBytesPerSecond === null ? {} : { bandwidthBytesPerSecond }),
  }
}

/** The servers that a driver is to use, as the file and the environment say now. Throws USAGE. */
function externalOf(scenario: Scenario, driver: Driver): External {
  const { dcs, endpoints: file, replaceExisting, keepTables } = scenario
  const servers = externalServers({ driver, dcs, file, environment: process.env })
  return { ...servers, replaceExisting, keepTables }
}

/** What a driver needs to know to say what runs where. */
export function deployPlanOf(system: System, scenario: Scenario, workload: WorkloadEntry, secret: string): DeployPlan {
  return {
    dcs: topologyOf(scenario).dcs,
    replication: system.replication.name,
    settings: system.settings,
    table: workload.workload.table(workloadOptions(scenario, workload)),
    seed: scenario.seed,
    causality: scenario.causality,
    secret,
    ...(scenario.deployment === 'external' ? { external: externalOf(scenario, system.entry.driver) } : {}),
  }
}

/** Sentences about options that were given and change nothing for some of the systems. */
export function idleOptions(scenario: Scenario, systems: readonly System[], { workload }: WorkloadEntry): string[] {
  const single = systems.filter((system) => system.batchRows === 1).map(systemName)
  const idle: string[] = []
  const says = (option: string, who: readonly string[], why: string) => {
    if (who.length > 0) idle.push(`${option} changes nothing for ${who.join(' and ')}: ${why}.`)
  }
  if (scenario.batchRows !== undefined && scenario.batchRows > 1) says('--batch', single, 'its mode sends row by row')
  if (scenario.lingerMs !== undefined) says('--linger', single, 'a row that is sent alone does not wait')
  if (scenario.rate.kind === 'max' && scenario.arrivals === 'constant') {
    says('--arrivals', systems.map(systemName), 'a closed loop has no arrivals')
  }
  const others = systems.filter(({ replication }) => !scenario.replications.includes(replication.name)).map(systemName)
  if (scenario.replications.length > 0)
    says('--replication', others, 'it has none of that name and runs with its default')
  if (workload.takesTurns !== undefined) {
    for (const option of ['overlap', 'skew', 'distribution'] as const) {
      if (scenario[option] !== undefined) says(`--${option}`, [workload.name], 'the DCs write every row, in turn')
    }
  }
  const raised = systems.filter((system) => scenario.writers !== undefined && system.writers > scenario.writers)
  says('--writers', raised.map(systemName), 'every one of its --workers needs a writer')
  return idle
}
