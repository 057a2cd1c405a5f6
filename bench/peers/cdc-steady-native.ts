// The highest rate of batched upserts in one DC at which the lag does not grow: cdc beside the servers' own subscriptions.
import { moduleExport } from '../stages/thread-plan.ts'
import type { Comparison, ContestOrder } from './comparison.ts'
import { Replicated, replicatedBy } from './cdc-ground.ts'
import { missingFor } from './deployed.ts'
import { startPeer } from './peer-process.ts'
import { loginTo, type PostgresLogin } from './postgres-ground.ts'
import type { RowsOrder } from './made-rows.ts'

/** What the loop is told. */
export interface CdcSteadyOrder {
  readonly source: PostgresLogin
  readonly receiver: PostgresLogin
  readonly batchRows: number
  readonly workload: ReturnType<typeof moduleExport>
  readonly rows: RowsOrder
}

const LOOP = new URL('./cdc-steady-loop.ts', import.meta.url)

async function steadyOn(replication: string, order: ContestOrder, cleanup: AsyncDisposableStack) {
  const ground = await Replicated.open(replication, order, cleanup)
  const { deployed, receiverLogin } = ground
  const { workload, rows, system, signal } = deployed
  const loop: CdcSteadyOrder = {
    source: loginTo(deployed),
    receiver: receiverLogin,
    batchRows: system.batchRows,
    workload: moduleExport(workload),
    rows,
  }
  const side = await startPeer(LOOP, `writer beside ${replication}`, loop, signal, cleanup)
  const settle = async () => {
    await deployed.settle()
    await ground.checkpoint()
  }
  return { side, settle }
}

export const cdcSteadyNative: Comparison = {
  name: 'cdc-steady-native',
  what: 'Postgres, batches of 500 upserts in one DC as fast as cdc brings them to the other',
  peer: 'as fast as native subscriptions do',
  unit: 'rows',
  target: 0.9,
  missing: (registry) => missingFor(replicatedBy('cdc'), registry),
  async open(order, cleanup) {
    const ours = await steadyOn('cdc', order, cleanup)
    const theirs = await steadyOn('native', order, cleanup)
    return {
      geowrite: ours.side,
      peer: theirs.side,
      async settle() {
        await ours.settle()
        await theirs.settle()
      },
    }
  },
}
