// What runs where: one Cassandra server a DC, or as many as there are copies of each row in a DC.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { Service } from '../../bench/contract/service.ts'
import { agentFile, CONTAINER, imageProgram } from './image.ts'
import { serverCommand } from './java-command.ts'
import { cassandraProgram } from './jars.ts'
import { agentPort, cqlPort, internodePort, nodesOf, seedOf, serviceName, type Node } from './names.ts'
import { nodeFiles } from './node-config.ts'
import { REPLICATION } from './replications.ts'
import { readSettings, type CassandraSettings } from './settings.ts'

function serverService(plan: DeployPlan, node: Node, settings: CassandraSettings): Service {
  const { dc, copy } = node
  return {
    name: serviceName(node),
    dc: dc.name,
    role: 'store',
    stage: 'deploy',
    ports: [cqlPort(copy), internodePort(copy), agentPort(copy)],
    // Peers are told by the admin, when rows are loaded: until then each server is a cluster of its own.
    reaches: [],
    files: (place) => {
      const seed = seedOf(node, place.ports[internodePort(copy)].port)
      const files = nodeFiles(node, [seed], place, settings, plan.secret)
      return place.kind === 'container' ? [...files, agentFile()] : files
    },
    setup: () => [],
    command: (place) =>
      serverCommand(
        place.kind === 'container' ? imageProgram(place) : cassandraProgram(settings),
        place.folder,
        settings,
      ),
    ready: { type: 'port', port: cqlPort(copy) },
    readyTimeoutMs: 120_000,
    stopSignal: 'SIGTERM',
    // What is durable is in the commit log: a server that is slow to end may be killed.
    stopTimeoutMs: 3000,
    unprivileged: false,
    watchesParent: false,
    container: CONTAINER,
  }
}

/** All services of a run. Throws USAGE for settings that do not go together. */
export function services(plan: DeployPlan): readonly Service[] {
  const settings = readSettings(plan.settings)
  if (plan.replication === REPLICATION.serial && settings.cells === 'row') {
    throw new BenchError(
      'USAGE',
      'cassandra.cells=row is not for the replication serial, which compares the column version: leave it out.',
    )
  }
  return nodesOf(plan.dcs, settings.rf).map((node) => serverService(plan, node, settings))
}
