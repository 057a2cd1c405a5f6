// Making replication slots. That waits for every transaction that is open on the server, in whichever database: on servers that are
// not ours such may stay open for hours.
import { BenchError } from '../../bench/contract/errors.ts'
import { codeOf } from './connect.ts'
import type { Server } from './server.ts'

const MADE_WITHIN_MS = 30_000
const CANCELED = '57014'

/** Makes a slot; a temporary one goes with the connection. */
export async function makeSlot({ client }: Server, name: string, isTemporary = false): Promise<void> {
  await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput', $2)`, [name, isTemporary])
}

/** The same on a server that is not ours, in bounded time. Throws SERVERS when the server waits for longer. */
export async function makeSlotSoon(
  server: Server,
  name: string,
  isTemporary = false,
  withinMs = MADE_WITHIN_MS,
): Promise<void> {
  const { client, dc } = server
  await client.query(`SET statement_timeout = ${withinMs}`)
  try {
    await makeSlot(server, name, isTemporary)
  } catch (error) {
    if (codeOf(error) !== CANCELED) throw error
    throw new BenchError(
      'SERVERS',
      `The server of ${dc.name} did not make a replication slot within ${withinMs / 1000} s: for that it waits for the transactions open on it, of any database, so end those (pg_stat_activity says since when they are open, pg_prepared_xacts which are prepared) and run again.`,
      { cause: error },
    )
  } finally {
    // A connection that has ended needs nothing put back.
    await client.query('RESET statement_timeout').catch(() => undefined)
  }
}
