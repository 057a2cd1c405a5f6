// A node a DC as services: what bench/deploy starts for the drivers that are built on nodes.
import { join } from 'node:path'
import type { DeployPlan, Replication } from '../../../bench/contract/driver.ts'
import type { Service } from '../../../bench/contract/service.ts'
import { processService } from '../../../bench/lib/process-service.ts'
import type { NodeConfig } from './node.ts'

/** The name of a node's port, within its DC. */
export const NODE_PORT = 'node'

/** What the nodes' log shipping is and promises, whatever its name in a driver. */
export const LOG_SHIPPING: Omit<Replication, 'name'> = {
  meaning:
    'each node ships its log of local writes to every other, which applies them with last-writer-wins by version',
  capabilities: {
    conflicts: 'last-write-wins',
    acknowledges: 'local',
    ordered: true,
    transactions: true,
    readable: true,
    vectors: true,
    increments: true,
  },
  waits: () => ({ roundTrips: 0, to: 'own' }),
}

/** DCs of the version vector that every row has: all of them where causality is exact, else none. */
export function vectorDcsOf({ causality, dcs }: DeployPlan): number {
  return causality === 'exact' ? dcs.length : 0
}

/**
 * One service a DC, `<driver> <dc>`, that runs `script` with the path of its configuration file. Every node reaches every
 * other through the link.
 */
export function nodeServices(plan: DeployPlan, driver: string, script: URL): readonly Service[] {
  return plan.dcs.map((dc): Service => {
    const others = plan.dcs.filter((other) => other.name !== dc.name)
    return processService({
      name: `${driver} ${dc.name}`,
      dc: dc.name,
      role: 'store',
      ports: [NODE_PORT],
      reaches: others.map(({ name }) => ({ dc: name, port: NODE_PORT })),
      script,
      config: (place): NodeConfig => ({
        dc: dc.name,
        dcIndex: dc.index,
        address: place.ports[NODE_PORT],
        peers: others.map(({ name, index }) => ({ dc: name, index, address: place.reach(name, NODE_PORT) })),
        secret: plan.secret,
        seed: plan.seed,
        folder: join(place.folder, 'data'),
        settings: plan.settings,
        vectorDcs: vectorDcsOf(plan),
        columns: plan.table.columns,
      }),
    })
  })
}
