// The plans of a run's generator and prober threads: who writes what in which DC, and where each stores its part.
import { join } from 'node:path'
import type { DeployPlan } from '../contract/driver.ts'
import { causesFile, probesFile, RUN_FILES, writesFile } from '../contract/run-folder.ts'
import type { RunContext } from '../run.ts'
import { workloadOptions } from '../systems.ts'
import type { House } from './house.ts'
import { moduleExport, silentMsOf } from './thread-plan.ts'
import { Threads } from './threads.ts'

export function startThreads(
  { scenario, system, workload, folder, writesIn }: RunContext,
  deployPlan: DeployPlan,
  house: House,
  epochUs: number,
  epochWallUs: number,
): Promise<Threads> {
  const ledger = join(folder, RUN_FILES.ledger)
  const common = (dcIndex: number) => ({
    driver: moduleExport(system.entry),
    deployPlan,
    seen: house.seenByClients(deployPlan.dcs[dcIndex].name),
    dcIndex,
    mode: system.mode.name,
    timeoutMs: scenario.timeoutMs,
    epochUs,
    epochWallUs,
  })
  const writing = deployPlan.dcs.filter(({ name }) => writesIn?.includes(name) ?? true)
  const generators = writing.flatMap(({ name, index }) =>
    Array.from({ length: scenario.workers }, (_, worker) => ({
      ...common(index),
      path: join(ledger, writesFile(name, worker)),
      workload: moduleExport(workload),
      options: workloadOptions(scenario, workload),
      seed: scenario.seed,
      worker,
      workers: scenario.workers,
      writers: system.writers,
      batchRows: system.batchRows,
      inFlight: system.mode.inFlight,
      lingerUs: system.lingerMs * 1000,
      arrivals: scenario.arrivals,
      clockSkewUs: (Object.hasOwn(scenario.clockSkewMs, name) ? scenario.clockSkewMs[name] : 0) * 1000,
      ...(scenario.causality === 'exact' ? { causesPath: join(ledger, causesFile(name, worker)) } : {}),
    })),
  )
  const silentMs = silentMsOf(moduleExport(system.entry), moduleExport(workload))
  const { readable } = system.replication.capabilities
  const probers = readable
    ? deployPlan.dcs.map(({ name, index }) => ({ ...common(index), path: join(ledger, probesFile(name)), silentMs }))
    : []
  return Threads.start(generators, probers)
}
