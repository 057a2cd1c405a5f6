// Bare loops over the client library, in a process of their own: rows made beforehand, one statement, and nothing else.
import { Client } from 'pg'
import type { Table } from '../contract/table.ts'
import { nowUs } from '../lib/clock.ts'
import { HybridClock } from '../lib/dot.ts'
import { loadWorkload } from '../stages/thread-plan.ts'
import type { PostgresLoopOrder } from './postgres-bare.ts'
import { makeRows, valuesOf, VERSION_PLACE } from './made-rows.ts'
import { copyIn } from './postgres-copy-in.ts'
import { arraysOf, COPY_HEADER, COPY_TRAILER, fillInt64, tuplesOf } from './postgres-rows.ts'
import { upsertBatch, upsertRow } from './postgres-statements.ts'
import { servePeer, untilTheEnd, type Work } from './serve-peer.ts'

/** Written again and again: so many that making them is not measured and the store sees no pattern. */
const UPSERTED_ROWS = 200_000
/** A turn ends when they are all copied, if that is before its time. */
const COPIED_ROWS = 1_000_000
const COPY_BLOCK_ROWS = 250

interface Ground {
  readonly clients: readonly Client[]
  readonly table: Table
  readonly rows: (count: number) => ReturnType<typeof makeRows>
  /** Above every version before it, as geowrite's are. */
  readonly nextVersion: () => number
  readonly order: PostgresLoopOrder
}

function single(ground: Ground): Work {
  const text = upsertRow(ground.table, (_, place) => `$${place + 1}`)
  const made = ground.rows(UPSERTED_ROWS)
  const rows = Array.from({ length: UPSERTED_ROWS }, (_, row) => valuesOf(made, row, 0))
  let at = 0
  return untilTheEnd(ground.clients.length, async (lane) => {
    const values = rows[at]
    at = (at + 1) % UPSERTED_ROWS
    values[VERSION_PLACE] = ground.nextVersion()
    await ground.clients[lane].query({ name: 'upsert', text, values })
    return 1
  })
}

function batch(ground: Ground): Work {
  const text = upsertBatch(ground.table)
  const { batchRows } = ground.order
  const made = ground.rows(UPSERTED_ROWS)
  const batches = Array.from({ length: Math.floor(UPSERTED_ROWS / batchRows) }, (_, i) =>
    arraysOf(made, i * batchRows, (i + 1) * batchRows),
  )
  let at = 0
  return untilTheEnd(ground.clients.length, async (lane) => {
    const values = batches[at]
    at = (at + 1) % batches.length
    fillInt64(values[VERSION_PLACE], ground.nextVersion())
    await ground.clients[lane].query({ name: 'upsert', text, values })
    return batchRows
  })
}

/** One COPY a turn, of rows that lie ready: the floor. */
function copy({ clients, table, rows, nextVersion }: Ground): Work {
  const made = rows(COPIED_ROWS)
  const version = nextVersion()
  const blocks: Buffer[] = []
  for (let row = 0; row < COPIED_ROWS; row += COPY_BLOCK_ROWS) {
    blocks.push(tuplesOf(made, row, row + COPY_BLOCK_ROWS, version))
  }
  const [client] = clients
  return async (endUs) => {
    let sent = 0
    const pieces = function* () {
      yield COPY_HEADER
      for (const block of blocks) {
        if (nowUs() >= endUs) break
        yield block
        sent += COPY_BLOCK_ROWS
      }
      yield COPY_TRAILER
    }
    await copyIn(client, table, pieces())
    return sent
  }
}

const WAYS = { single, batch, copy }

async function open(order: PostgresLoopOrder): Promise<Work> {
  const workload = await loadWorkload(order.workload)
  const clients = Array.from({ length: order.connections }, () => new Client(order.login))
  await Promise.all(clients.map((client) => client.connect()))
  const clock = new HybridClock(0, () => Date.now() * 1000)
  return WAYS[order.way]({
    clients,
    table: workload.table(order.rows.options),
    rows: (count) => makeRows(workload, order.rows, count, order.batchRows),
    nextVersion: () => clock.next(),
    order,
  })
}

servePeer(open)
