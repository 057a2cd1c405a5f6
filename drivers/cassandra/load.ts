// Loading: the same rows, encoded once, into every server while each is still a cluster of its own, past the commit log.
import { errors, types } from 'cassandra-driver'
import type { RowSource } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { insertRow, type CqlTable } from './cql-table.ts'
import { int64, keyValues, storedValues } from './row-values.ts'
import type { Server } from './server.ts'

const ROWS_PER_BATCH = 100
const UNDER_WAY_MAX = 8
const TRIES = 10
const { writeTimeout, overloaded } = types.responseErrorCodes

/** Sends at most so many batches at once; `add` waits for room. */
class Window {
  readonly #running = new Set<Promise<unknown>>()

  async add(task: () => Promise<unknown>): Promise<void> {
    while (this.#running.size >= UNDER_WAY_MAX) await Promise.race(this.#running)
    const running = task().finally(() => this.#running.delete(running))
    // Whoever waits for the window sees the failure; this keeps it from being called unhandled before.
    running.catch(() => undefined)
    this.#running.add(running)
  }

  async end(): Promise<void> {
    await Promise.all(this.#running)
  }
}

const SLOW: ReadonlySet<number> = new Set([writeTimeout, overloaded])

function wasTooSlow(error: unknown): boolean {
  if (error instanceof errors.OperationTimedOutError) return true
  return error instanceof errors.ResponseError && SLOW.has(error.code)
}

/** Loaded rows are the same however often they come: a server that is still cold, on a busy machine, is given them again. */
async function give(
  { node, client }: Server,
  queries: readonly { readonly query: string; readonly params: unknown[] }[],
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.batch([...queries], { prepare: true, logged: false })
      return
    } catch (error) {
      if (wasTooSlow(error) && tries < TRIES) continue
      throw new BenchError(
        'STORE',
        `The cassandra server of ${node.dc.name} did not take the rows to load (${messageOf(error)}): its log says why; a machine that is this busy needs a longer --set cassandra.write_timeout.`,
        { cause: error },
      )
    }
  }
}

/** Fills the table of every server; rows carry their version as timestamp, whoever's clock orders later ones. `progress` gets rows done everywhere. */
export async function loadTable(
  servers: readonly Server[],
  table: CqlTable,
  source: RowSource,
  progress: (rows: number) => void,
): Promise<void> {
  const query = insertRow(table, true)
  const window = new Window()
  let done = 0
  for (const block of source()) {
    for (let from = 0; from < block.count; from += ROWS_PER_BATCH) {
      const end = Math.min(from + ROWS_PER_BATCH, block.count)
      const queries = Array.from({ length: end - from }, (_, i) => {
        const version = block.versions[from + i]
        const stored = storedValues(table, block, from + i, version)
        return { query, params: [...keyValues(table, block.keys[from + i]), ...stored, int64(version)] }
      })
      await window.add(async () => {
        await Promise.all(servers.map((server) => give(server, queries)))
        done += queries.length
        progress(done)
      })
    }
  }
  await window.end()
}
