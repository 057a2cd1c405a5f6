// A bare loop over cassandra-driver, in a process of its own: rows made beforehand, one prepared statement, a fixed number of
// requests under way, and nothing else.
import { Client, policies, types } from 'cassandra-driver'
import type { Workload } from '../contract/workload.ts'
import { loadWorkload } from '../stages/thread-plan.ts'
import type { CassandraLoopOrder } from './cassandra-bare.ts'
import { makeRows, valuesOf, VERSION_PLACE } from './made-rows.ts'
import { servePeer, untilTheEnd, type Work } from './serve-peer.ts'

type Query = { readonly query: string; readonly params: unknown[] }

/** Rows made beforehand, written again and again: so many that making them is not measured and the store sees no pattern. */
const ROWS = 100_000

const { Long } = types

/** The values of the statement for the first rows of the workload's stream, as anybody would hand them to the client. */
function rowsOf(workload: Workload, order: CassandraLoopOrder): unknown[][] {
  const made = makeRows(workload, order.rows, ROWS, 1)
  return Array.from({ length: ROWS }, (_, row) => {
    const [key, dot, , ...own] = valuesOf(made, row, 0)
    return [Long.fromNumber(Number(key)), Long.fromNumber(Number(dot)), Long.ZERO, ...own, Long.ZERO]
  })
}

async function open(order: CassandraLoopOrder): Promise<Work> {
  const workload = await loadWorkload(order.workload)
  const names = ['key', 'dot', 'version', ...workload.table(order.rows.options).columns.map(({ name }) => `"${name}"`)]
  const text = `INSERT INTO ${order.table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) USING TIMESTAMP ?`
  const rows = rowsOf(workload, order)
  const client = new Client({
    contactPoints: [order.contactPoint],
    localDataCenter: order.dc,
    // As many connections as it opens by itself, which is one: more of them cost the client up to a fifth.
    pooling: { warmup: true },
    // The statement has its own.
    policies: { timestampGeneration: null as unknown as policies.timestampGeneration.TimestampGenerator },
  })
  await client.connect()
  const consistency = types.consistencies.localQuorum
  const [single, batch] = [
    { prepare: true, consistency },
    { prepare: true, logged: false, consistency },
  ]
  let at = 0
  let lastUs = 0
  /** The next row, later than all before. */
  const next = (): unknown[] => {
    const row = rows[at]
    at = (at + 1) % ROWS
    lastUs = Math.max(lastUs + 1, Date.now() * 1000)
    row[VERSION_PLACE] = row[row.length - 1] = Long.fromNumber(lastUs)
    return row
  }
  const { batchRows, inFlight } = order
  return untilTheEnd(inFlight, async () => {
    if (batchRows === 1) await client.execute(text, next(), single)
    else {
      const queries: Query[] = []
      for (let i = 0; i < batchRows; i++) queries.push({ query: text, params: next() })
      await client.batch(queries, batch)
    }
    return batchRows
  })
}

servePeer(open)
