// `list`: what exists, and every setting of one driver.
import pc from 'picocolors'
import { BenchError } from '../contract/errors.ts'
import type { Column } from '../contract/table.ts'
import { suggestion } from '../lib/nearest.ts'
import type { DriverEntry, Registry, WorkloadEntry } from '../registry.ts'

function columnText(column: Column): string {
  return column.type === 'text'
    ? `${column.name} text ${column.minBytes}–${column.maxBytes} bytes`
    : `${column.name} int ${column.min}–${column.max}`
}

/** Mean bytes of a row's key and values. */
function rowBytesMean(columns: readonly Column[]): number {
  return columns.reduce(
    (sum, column) => sum + (column.type === 'text' ? (column.minBytes + column.maxBytes) / 2 : 4),
    8,
  )
}

function* driverLines({ driver }: DriverEntry): Generator<string> {
  yield `${pc.bold(driver.name)}  ${driver.summary}`
  for (const [i, replication] of driver.replications.entries()) {
    yield `  --replication=${replication.name}${i === 0 ? ' (default)' : ''}: ${replication.meaning}`
  }
  for (const [i, mode] of driver.modes.entries()) {
    yield `  --mode=${mode.name}${i === 0 ? ' (default)' : ''}: ${mode.meaning}`
  }
  for (const setting of driver.settings) {
    yield `  --set ${driver.name}.${setting.name}=${setting.default === '' ? '…' : setting.default}: ${setting.meaning}`
  }
}

function* workloadLines({ workload }: WorkloadEntry): Generator<string> {
  const { defaults } = workload
  const { columns } = workload.table(defaults)
  yield `${pc.bold(workload.name)}  ${workload.summary}`
  yield `  ${workload.meaning}`
  yield `  columns: key, dot, version (the harness’s) and ${columns.map(columnText).join(', ')}; ${Math.round(rowBytesMean(columns))} bytes of key and values a row on average`
  yield `  defaults: --rows=${defaults.rows} --overlap=${defaults.overlap} --skew=${defaults.skew} --distribution=${defaults.distribution}`
}

/** The lines of `list` or `list <name>`. Throws USAGE for a name that is neither driver nor workload. */
export function listLines(registry: Registry, name: string | undefined): string[] {
  const drivers = registry.drivers.filter(({ driver }) => name === undefined || driver.name === name)
  const workloads = registry.workloads.filter(({ workload }) => name === undefined || workload.name === name)
  if (drivers.length === 0 && workloads.length === 0) {
    const known = [...registry.drivers.map((d) => d.driver.name), ...registry.workloads.map((w) => w.workload.name)]
    throw new BenchError('USAGE', `There is no driver or workload ${name}: ${suggestion(name ?? '', known)}`)
  }
  const lines: string[] = []
  if (drivers.length > 0) lines.push(pc.underline('Drivers'), ...drivers.flatMap((entry) => [...driverLines(entry)]))
  if (workloads.length > 0)
    lines.push(pc.underline('Workloads'), ...workloads.flatMap((entry) => [...workloadLines(entry)]))
  return lines
}

/** The same as data. */
export function listJson(registry: Registry): object {
  return {
    drivers: registry.drivers.map(({ driver: { name, summary, replications, modes, settings } }) => ({
      name,
      summary,
      replications,
      modes,
      settings,
    })),
    workloads: registry.workloads.map(({ workload: { name, summary, meaning, defaults, table } }) => ({
      name,
      summary,
      meaning,
      defaults,
      columns: table(defaults).columns,
    })),
  }
}
