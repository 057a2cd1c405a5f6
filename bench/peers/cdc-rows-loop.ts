// Writes as many rows as a turn is for, in a process of its own, from batches that lie ready as arrays: as upserts, to make a
// backlog, or by the bare statement by which the last writer wins.
import { Client } from 'pg'
import { nowUs } from '../lib/clock.ts'
import { HybridClock } from '../lib/dot.ts'
import { loadWorkload } from '../stages/thread-plan.ts'
import type { CdcLoopOrder } from './cdc-ground.ts'
import { lanesOf } from './cdc-lanes.ts'
import { lastWriterWins } from './cdc-statements.ts'
import { upsertBatch } from './postgres-statements.ts'
import { servePeer, type Work } from './serve-peer.ts'

async function open(order: CdcLoopOrder): Promise<Work> {
  const { login, batchRows, rowsPerMs, into } = order
  const workload = await loadWorkload(order.workload)
  const table = workload.table(order.rows.options)
  const text = into === undefined ? upsertBatch(table) : lastWriterWins(table, into)
  const clock = new HybridClock(0, () => Date.now() * 1000)
  const lanes = lanesOf(workload, order.rows, batchRows, () => clock.next())
  const clients = lanes.map(() => new Client({ ...login, options: order.session }))
  await Promise.all(clients.map((client) => client.connect()))
  return async (endUs) => {
    let left = rowsPerMs * Math.round((endUs - nowUs()) / 1000)
    const amount = left
    const chain = async (client: Client, lane: number) => {
      while (left > 0) {
        left -= batchRows
        await client.query({ name: 'write', text, values: [...lanes[lane].next().arrays] })
      }
    }
    await Promise.all(clients.map(chain))
    return amount - left
  }
}

servePeer(open)
