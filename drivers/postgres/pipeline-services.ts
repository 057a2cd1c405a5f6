// The services of the replication `cdc`: one pipeline for every ordered pair of DCs, living where it applies.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Service } from '../../bench/contract/service.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { containerOf } from '../../bench/lib/process-service.ts'
import { controlPort, pipelineName, SQL_PORT } from './names.ts'
import type { PipelineConfig } from './pipeline.ts'
import { readSettings } from './settings.ts'
import { sqlTable } from './sql-table.ts'

const PROGRAM = new URL('./pipeline-service.ts', import.meta.url)
const CONFIG_FILE = 'pipeline.json'

function pipelineService(plan: DeployPlan, source: Dc, receiver: Dc): Service {
  const settings = readSettings(plan.settings)
  const control = controlPort(source.name)
  return {
    name: pipelineName(source.name, receiver.name),
    dc: receiver.name,
    role: 'replication',
    stage: 'replicate',
    ports: [control],
    reaches: [{ dc: source.name, port: SQL_PORT }],
    files: (place) => {
      const config: PipelineConfig = {
        source,
        receiver,
        sourceAddress: place.reach(source.name, SQL_PORT),
        receiverAddress: place.reach(receiver.name, SQL_PORT),
        controlAddress: place.ports[control],
        table: sqlTable(plan),
        appliers: settings.appliers,
        applyRows: settings.applyRows,
        applySynchronousCommit: settings.applySynchronousCommit,
        secret: plan.secret,
        sourceAccess: plan.external?.access[source.name],
        receiverAccess: plan.external?.access[receiver.name],
      }
      return [{ path: CONFIG_FILE, content: JSON.stringify(config) }]
    },
    setup: () => [],
    command: (place) => ({ program: 'node', args: [place.source(PROGRAM), `${place.folder}/${CONFIG_FILE}`] }),
    ready: { type: 'line', starts: 'ready' },
    readyTimeoutMs: 30_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
    unprivileged: false,
    watchesParent: true,
    ...containerOf(PROGRAM),
  }
}

/** A pipeline for every ordered pair of DCs: each source sends only what was written there, so a mesh needs them all. */
export function pipelineServices(plan: DeployPlan): readonly Service[] {
  return plan.dcs.flatMap((receiver) =>
    plan.dcs.filter((source) => source !== receiver).map((source) => pipelineService(plan, source, receiver)),
  )
}
