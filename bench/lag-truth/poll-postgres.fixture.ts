// For tests, a program: polls a Postgres server for the dots of a whole table.
import pg from 'pg'
import { poll } from './poll.fixture.ts'

await poll(async ({ host, port, secret, table, keys }) => {
  const client = new pg.Client({ host, port, user: 'geowrite', password: secret, database: 'postgres' })
  await client.connect()
  const statement = {
    name: 'poll',
    text: `SELECT key, dot FROM ${pg.escapeIdentifier(table)}`,
    rowMode: 'array',
  } as const
  return async () => {
    const dots = new Float64Array(keys)
    for (const [key, dot] of (await client.query<string[]>(statement)).rows) dots[Number(key)] = Number(dot)
    return dots
  }
})
