// A bare loop over cassandra-driver, in a process of its own: rows made beforehand, one prepared statement, a fixed number of
// requests under way, and nothing else.
import { Client, policies, types } from 'cassandra-driver'
import type { Workload } from '../contract/workload.ts'
import { ContentMaker } from '../lib/content.ts'
import { nowUs } from '../lib/clock.ts'
import { PHASE, packDot } from '../lib/dot.ts'
import { loadWorkload } from '../stages/thread-plan.ts'
import type { CassandraLoopOrder } from './cassandra-bare.ts'
import { servePeer, type Work } from './serve-peer.ts'

type Query = { readonly query: string; readonly params: unknown[] }

/** Rows made beforehand, written again and again: so many that making them is not measured and the store sees no pattern. */
const ROWS = 100_000
/** Places of the values that differ each time a row is written. */
const VERSION = 2

const { Long } = types

/** The values of the statement for the first rows of the workload's stream, as anybody would hand them to the client. */
function rowsOf(workload: Workload, { options, seed, dcCount }: CassandraLoopOrder): unknown[][] {
  const { columns } = workload.table(options)
  const stream = workload.stream({ options, seed, dcIndex: 0, dcCount, phase: PHASE.measure })
  const keys = new Float64Array(ROWS)
  stream.next(ROWS, keys, new Uint8Array(ROWS))
  const content = new ContentMaker(columns, seed)
  const made = content.allocate(1)
  return Array.from(keys, (key, i) => {
    const dot = packDot(0, 0, i + 1)
    content.fill(made, 0, dot)
    const own = made.map((column) =>
      column.type === 'int'
        ? column.values[0]
        : Buffer.from(column.pool.buffer, column.starts[0], column.lengths[0]).toString('latin1'),
    )
    return [Long.fromNumber(key), Long.fromNumber(dot), Long.ZERO, ...own, Long.ZERO]
  })
}

async function open(order: CassandraLoopOrder): Promise<Work> {
  const workload = await loadWorkload(order.workload)
  const names = ['key', 'dot', 'version', ...workload.table(order.options).columns.map(({ name }) => `"${name}"`)]
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
    row[VERSION] = row[row.length - 1] = Long.fromNumber(lastUs)
    return row
  }
  const { batchRows, inFlight } = order
  const send = async (): Promise<void> => {
    if (batchRows === 1) return void (await client.execute(text, next(), single))
    const queries: Query[] = []
    for (let i = 0; i < batchRows; i++) queries.push({ query: text, params: next() })
    await client.batch(queries, batch)
  }
  return async (endUs) => {
    let sent = 0
    const chain = async () => {
      while (nowUs() < endUs) {
        sent += batchRows
        await send()
      }
    }
    await Promise.all(Array.from({ length: inFlight }, chain))
    return sent
  }
}

servePeer(open)
