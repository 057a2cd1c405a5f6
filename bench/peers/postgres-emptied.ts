// Between turns that only add rows the table is emptied in every DC, so that each turn begins with the same table.
import { escapeLiteral, type Client } from 'pg'
import type { Deployed } from './deployed.ts'
import { connected, loginTo, tableOf } from './postgres-ground.ts'
import { sqlName } from './postgres-statements.ts'

/** What is written under an origin is not shipped to the other DC. */
const ORIGIN = 'geowrite_peers'

/** Empties the table once, and resolves with what waits for the other DC after a turn and empties it again. */
export async function emptiedBetweenTurns(
  deployed: Deployed,
  cleanup: AsyncDisposableStack,
): Promise<() => Promise<void>> {
  const clients: Client[] = []
  for (const dc of Object.keys(deployed.endpoints)) {
    const client = await connected(loginTo(deployed, dc), cleanup)
    await client.query(`SELECT pg_replication_origin_create(${escapeLiteral(ORIGIN)})`)
    await client.query(`SELECT pg_replication_origin_session_setup(${escapeLiteral(ORIGIN)})`)
    clients.push(client)
  }
  const settle = async () => {
    await deployed.settle()
    await Promise.all(clients.map((client) => client.query(`TRUNCATE ${sqlName(tableOf(deployed))}`)))
  }
  await settle()
  return settle
}
