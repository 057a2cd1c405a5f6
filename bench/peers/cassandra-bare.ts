// geowrite on Cassandra against a bare loop over the same client library: what the harness costs.
import { moduleExport } from '../stages/thread-plan.ts'
import type { Comparison } from './comparison.ts'
import { addressText, CQL_PORT, PROFILES_TABLE, profilesOn } from './cassandra-ground.ts'
import { Deployed, missingFor } from './deployed.ts'
import type { RowsOrder } from './made-rows.ts'
import { startPeer } from './peer-process.ts'

/** What the loop is told. */
export interface CassandraLoopOrder {
  readonly contactPoint: string
  readonly dc: string
  readonly table: string
  readonly batchRows: number
  /** Requests under way at once. */
  readonly inFlight: number
  readonly workload: ReturnType<typeof moduleExport>
  readonly rows: RowsOrder
}

const LOOP = new URL('./cassandra-loop.ts', import.meta.url)

/** The comparison for one write mode. */
export function cassandraBare(own: Pick<Comparison, 'name' | 'what' | 'peer'>, mode: string): Comparison {
  const options = profilesOn(mode)
  return {
    ...own,
    unit: 'rows',
    target: 0.95,
    missing: (registry) => missingFor(options, registry),
    async open(order, cleanup) {
      const deployed = await Deployed.open(options, order, cleanup)
      const { system, workload, rows, signal, dc, ports, inFlight } = deployed
      const loop: CassandraLoopOrder = {
        contactPoint: addressText(ports[CQL_PORT]),
        dc,
        table: PROFILES_TABLE,
        batchRows: system.batchRows,
        inFlight,
        workload: moduleExport(workload),
        rows,
      }
      return {
        geowrite: deployed.side,
        peer: await startPeer(LOOP, own.peer, loop, signal, cleanup),
        settle: () => deployed.settle(),
      }
    },
  }
}
