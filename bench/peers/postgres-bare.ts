// geowrite on Postgres against a bare loop over the same client library: what the harness costs.
import { moduleExport } from '../stages/thread-plan.ts'
import type { Comparison } from './comparison.ts'
import { Deployed, missingFor, type SystemOptions } from './deployed.ts'
import { startPeer } from './peer-process.ts'
import { loginTo, type PostgresLogin } from './postgres-ground.ts'
import type { RowsOrder } from './made-rows.ts'

/** What the loop is told. */
export interface PostgresLoopOrder {
  readonly login: PostgresLogin
  readonly way: 'single' | 'batch' | 'copy'
  /** One request under way in each. */
  readonly connections: number
  readonly batchRows: number
  readonly workload: ReturnType<typeof moduleExport>
  readonly rows: RowsOrder
}

const LOOP = new URL('./postgres-loop.ts', import.meta.url)

/** The comparison of one write mode with the loop that goes the same way; `emptied` readies the ground between turns. */
export function postgresBare(
  own: Pick<Comparison, 'name' | 'what' | 'peer' | 'target'>,
  way: PostgresLoopOrder['way'],
  options: SystemOptions,
  emptied?: (deployed: Deployed, cleanup: AsyncDisposableStack) => Promise<() => Promise<void>>,
): Comparison {
  return {
    ...own,
    unit: 'rows',
    missing: (registry) => missingFor(options, registry),
    async open(order, cleanup) {
      const deployed = await Deployed.open(options, order, cleanup)
      const { system, workload, rows, signal } = deployed
      const loop: PostgresLoopOrder = {
        login: loginTo(deployed),
        way,
        connections: system.writers,
        batchRows: system.batchRows,
        workload: moduleExport(workload),
        rows,
      }
      const settle = (await emptied?.(deployed, cleanup)) ?? (() => deployed.settle())
      return { geowrite: deployed.side, peer: await startPeer(LOOP, own.peer, loop, signal, cleanup), settle }
    },
  }
}
