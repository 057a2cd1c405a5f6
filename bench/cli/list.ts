// `list`: what exists, every setting of one driver, or one workload in full.
import pc from 'picocolors'
import type { Driver, Replication } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import { canRun, refuseDeletes } from '../fitting.ts'
import { suggestion } from '../lib/nearest.ts'
import { withEither } from '../outside.ts'
import { waitsText } from '../report/wait-sentences.ts'
import type { DriverEntry, Registry, WorkloadEntry } from '../registry.ts'
import { workloadOptions } from '../systems.ts'
import type { SkewPlan } from './key-skew.ts'
import { rowBytes, workloadJson, workloadLines } from './list-workload.ts'
import { parseScenario } from './scenario-schema.ts'

const defaultsOf = ({ settings }: Driver) =>
  Object.fromEntries(settings.map((setting) => [setting.name, setting.default]))

/** Workloads that are refused with this replication. */
const refusedFor = (replication: Replication, { workloads }: Registry) =>
  workloads.filter((entry) => !canRun(replication, entry)).map(({ workload }) => workload.name)

function* driverLines({ driver }: DriverEntry, registry: Registry): Generator<string> {
  yield `${pc.bold(driver.name)}  ${driver.summary}`
  for (const [i, replication] of driver.replications.entries()) {
    const waits = replication.waits?.(defaultsOf(driver))
    const theory = waits === undefined ? '' : ` A write ${waitsText(waits)}.`
    const refused = refusedFor(replication, registry)
    const not = refused.length === 0 ? '' : ` Not for the workload ${refused.join(' or ')}.`
    yield `  --replication=${replication.name}${i === 0 ? ' (default)' : ''}: ${replication.meaning}${not}${theory}`
  }
  for (const [i, mode] of driver.modes.entries()) {
    yield `  --mode=${mode.name}${i === 0 ? ' (default)' : ''}: ${mode.meaning}`
  }
  yield `  --deployment=external: ${externalText(driver)}`
  for (const setting of driver.settings) {
    yield `  --set ${driver.name}.${setting.name}=${setting.default === '' ? '…' : setting.default}: ${setting.meaning}`
  }
}

/** Whether and how a driver uses servers of the user's. */
function externalText({ external }: DriverEntry['driver']): string {
  if (external === undefined) return 'not said.'
  if ('cannot' in external) return `no, because ${external.cannot}.`
  return `servers of yours with the port${external.ports.length === 1 ? '' : 's'} ${external.ports.join(', ')} in each DC; of the settings ${external.settings.join(', ')} (docs/deployments.md).`
}

function* briefLines({ workload }: WorkloadEntry): Generator<string> {
  const { rows, overlap, skew, distribution } = workload.defaults
  const { mean } = rowBytes(workload.table(workload.defaults).columns)
  yield `${pc.bold(workload.name)}  ${workload.summary}`
  yield `  ${Math.round(mean)} bytes of key and values a row; --rows=${rows} --overlap=${overlap} --skew=${skew} --distribution=${distribution}`
}

/** The options that say which stream of a workload is looked at. */
type ListOptions = Readonly<Record<string, unknown>>

function skewPlan(entry: WorkloadEntry, options: ListOptions, registry: Registry): SkewPlan {
  const scenario = parseScenario({ ...options, workload: entry.workload.name })
  refuseDeletes(scenario, entry, registry)
  return { options: workloadOptions(scenario, entry), seed: scenario.seed, dcs: scenario.dcs }
}

function driverJson({ driver }: DriverEntry, registry: Registry): object {
  const { name, summary, replications, modes, settings, warmsUp = false } = driver
  const described = replications.map((one) => ({
    ...one,
    waits: one.waits?.(defaultsOf(driver)) ?? null,
    refusedWorkloads: refusedFor(one, registry),
  }))
  const external =
    driver.external === undefined || 'cannot' in driver.external
      ? null
      : { ports: driver.external.ports, settings: driver.external.settings }
  return { name, summary, replications: described, modes, settings, warmsUp, external }
}

function everything(registry: Registry, json: boolean): string {
  const { drivers, workloads } = registry
  if (json) {
    const briefs = workloads.map(({ workload: { name, summary, meaning, defaults, appends, table } }) => {
      return { name, summary, meaning, appends, defaults, columns: table(defaults).columns }
    })
    return JSON.stringify({ drivers: drivers.map((entry) => driverJson(entry, registry)), workloads: briefs }, null, 2)
  }
  return [
    pc.underline('Drivers'),
    ...drivers.flatMap((entry) => [...driverLines(entry, registry)]),
    pc.underline('Workloads') + pc.dim('  list <workload> shows one in full, with its columns and its key skew'),
    ...workloads.flatMap((entry) => [...briefLines(entry)]),
  ].join('\n')
}

/** What `list` or `list <name>` prints. Throws USAGE for a name that is neither driver nor workload. */
export async function listText(
  inTree: Registry,
  asked: string | undefined,
  options: ListOptions,
  json: boolean,
): Promise<string> {
  const [unused] = Object.keys(options)
  if (asked === undefined && unused === undefined) return everything(inTree, json)
  if (asked === undefined) {
    throw new BenchError('USAGE', `--${unused} says nothing without a workload: name one, as in list profiles.`)
  }
  const { registry, name } = await withEither(asked, inTree)
  const driver = registry.drivers.find((entry) => entry.driver.name === name)
  if (driver !== undefined) {
    if (unused !== undefined) throw new BenchError('USAGE', `--${unused} is for workloads, and ${name} is a driver.`)
    return json ? JSON.stringify(driverJson(driver, registry), null, 2) : [...driverLines(driver, registry)].join('\n')
  }
  const entry = registry.workloads.find(({ workload }) => workload.name === name)
  if (entry === undefined) {
    const known = [...registry.drivers.map((d) => d.driver.name), ...registry.workloads.map((w) => w.workload.name)]
    throw new BenchError('USAGE', `There is no driver or workload ${name}: ${suggestion(name, known)}`)
  }
  const plan = skewPlan(entry, options, registry)
  return json
    ? JSON.stringify(workloadJson(entry.workload, plan), null, 2)
    : [...workloadLines(entry.workload, plan)].join('\n')
}
