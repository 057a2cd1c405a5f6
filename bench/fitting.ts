// What does not go together is refused before anything runs: a workload or an option with a system that cannot do it.
import type { Replication, WriteMode } from './contract/driver.ts'
import { BenchError } from './contract/errors.ts'
import type { Scenario } from './contract/scenario.ts'
import type { DriverEntry, Registry, WorkloadEntry } from './registry.ts'

interface FittedSystem {
  readonly entry: DriverEntry
  readonly replication: Replication
  readonly mode: WriteMode
}

const replicationName = ({ driver }: DriverEntry, { name }: Replication) => `${driver.name} ${name}`

/** The systems of the registry that `can`, as people would name them; "none" where there is no such system. */
function systemsThat(can: (replication: Replication) => boolean, { drivers }: Registry): string {
  const names = drivers.flatMap((entry) =>
    entry.driver.replications.filter(can).map((replication) => replicationName(entry, replication)),
  )
  return names.length === 0 ? 'none of the systems here' : names.join(', ')
}

function workloadsThat(can: (entry: WorkloadEntry) => boolean, { workloads }: Registry): string {
  return workloads
    .filter(can)
    .map(({ workload }) => workload.name)
    .join(', ')
}

/** A workload without deletes would do nothing with the option. */
export function refuseDeletes(scenario: Scenario, { workload }: WorkloadEntry, registry: Registry): void {
  if (scenario.deletes === undefined || scenario.deletes === 0 || workload.canDelete === true) return
  const fitting = workloadsThat((entry) => entry.workload.canDelete === true, registry)
  throw new BenchError(
    'USAGE',
    `--deletes is not for the workload ${workload.name}, which deletes nothing${fitting === '' ? ': leave it out' : `: choose the workload ${fitting}, or leave it out`}.`,
  )
}

/** A mode that can only insert would fail at the first row that is there already. */
function refuseUnlessAppends({ entry, mode }: FittedSystem, { workload }: WorkloadEntry, registry: Registry): void {
  if (workload.appends || mode.appendsOnly !== true) return
  const fitting = workloadsThat((other) => other.workload.appends, registry)
  const others = entry.driver.modes.filter(({ appendsOnly }) => appendsOnly !== true).map(({ name }) => name)
  throw new BenchError(
    'USAGE',
    `The mode ${mode.name} of ${entry.driver.name} can only insert rows, and the workload ${workload.name} also writes rows that are there: choose the mode ${others.join(', ')}${fitting === '' ? '' : `, or the workload ${fitting}`}.`,
  )
}

/** A replication may leave no room for how a mode hands rows over. */
function refuseUnlessGoesWith({ entry, replication, mode }: FittedSystem): void {
  if (mode.notFor?.includes(replication.name) !== true) return
  const others = entry.driver.modes.filter(({ notFor }) => notFor?.includes(replication.name) !== true)
  throw new BenchError(
    'USAGE',
    `The mode ${mode.name} does not go with ${replicationName(entry, replication)}: choose ${others.map(({ name }) => name).join(', ')}, or another replication.`,
  )
}

/** Whether a system with this replication can do what a workload asks for. */
export function canRun({ capabilities }: Replication, { workload }: WorkloadEntry): boolean {
  const increments = workload.increments !== true || capabilities.increments === true
  return increments && (workload.takesTurns === undefined || capabilities.readable)
}

function refuseUnlessSystemCan(
  { entry, replication }: FittedSystem,
  { workload }: WorkloadEntry,
  scenario: Scenario,
  registry: Registry,
): void {
  const name = replicationName(entry, replication)
  const needs = (can: (one: Replication) => boolean, what: string, why: string) => {
    if (can(replication)) return
    throw new BenchError('USAGE', `${what} is not for ${name}, ${why}; this can: ${systemsThat(can, registry)}.`)
  }
  if (scenario.causality === 'exact') {
    needs(
      ({ capabilities }) => capabilities.vectors === true,
      '--causality=exact',
      'which keeps no version vectors in its rows',
    )
  }
  if (workload.increments === true) {
    needs(
      ({ capabilities }) => capabilities.increments === true,
      `The workload ${workload.name}`,
      'which cannot increment',
    )
  }
  if (workload.takesTurns !== undefined) {
    needs(
      ({ capabilities }) => capabilities.readable,
      `The workload ${workload.name}`,
      'whose rows cannot be read, so that nobody knows whose turn it is',
    )
  }
}

/** Throws USAGE with one sentence for the first thing that does not fit. */
export function refuseMisfits(
  systems: readonly FittedSystem[],
  workload: WorkloadEntry,
  scenario: Scenario,
  registry: Registry,
): void {
  refuseDeletes(scenario, workload, registry)
  for (const system of systems) {
    refuseUnlessGoesWith(system)
    refuseUnlessAppends(system, workload, registry)
    refuseUnlessSystemCan(system, workload, scenario, registry)
  }
}
