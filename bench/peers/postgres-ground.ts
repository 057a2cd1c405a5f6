// What all comparisons on Postgres share: what is deployed for them, and how a peer gets to the server.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Address } from '../contract/driver.ts'
import type { Table } from '../contract/table.ts'
import type { Deployed, SystemOptions } from './deployed.ts'

/** The driver's names: of the port that clients speak to, of the superuser, and of the database with the table. */
export const SQL_PORT = 'sql'
const USER = 'geowrite'
const DATABASE = 'postgres'

/** Enough that a batch holds next to no key twice, few enough to load in seconds. */
const ROWS = '200k'

/**
 * Two DCs as a run has them, replication `cdc`, durable as by default. Keys are uniform, over the whole table: hot keys would make a
 * batch hold fewer rows than were asked for, and a peer knows nothing of homes.
 */
export const profilesOn = (mode: string): SystemOptions => ({
  workload: 'profiles',
  driver: 'postgres',
  replication: 'cdc',
  mode,
  rows: ROWS,
  overlap: '1',
  skew: '0',
  distribution: 'uniform',
})

/** The same with a workload that only adds rows. */
export const messagesBy = (mode: string): SystemOptions => ({ ...profilesOn(mode), workload: 'messaging' })

/** How a peer logs in, as the client library takes it; without encryption, as geowrite does on loopback. */
export interface PostgresLogin {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string
  readonly ssl: false
}

/** The login to a server of ours, by its ports. */
export function loginWith(secret: string, ports: Readonly<Record<string, Address>>): PostgresLogin {
  const { host, port } = ports[SQL_PORT]
  return { host, port, user: USER, database: DATABASE, password: secret, ssl: false }
}

/** The login to the server of a DC, of the one that is written to unless another is named. */
export const loginTo = ({ endpoints, plan, dc }: Deployed, other = dc): PostgresLogin =>
  loginWith(plan.secret, endpoints[other])

/** A connection that ends with the comparison; what is asked next tells of its failure. */
export async function connected(login: PostgresLogin, cleanup: AsyncDisposableStack): Promise<Client> {
  const client = new Client(login)
  client.on('error', () => undefined)
  await client.connect()
  cleanup.defer(() => client.end())
  return client
}

/** How programs made with libpq log in: all by environment, and the password by a file that only its owner may read. */
export function libpqEnvironment(login: PostgresLogin, folder: string): Readonly<Record<string, string>> {
  const { host, port, user, database, password } = login
  const passwords = join(folder, 'pgpass')
  writeFileSync(passwords, `*:*:*:${user}:${password}\n`, { mode: 0o600 })
  const where = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database, PGPASSFILE: passwords }
  // What they print is read by us.
  return { ...where, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable', LC_ALL: 'C' }
}

export const tableOf = (deployed: Deployed): Table => deployed.workload.workload.table(deployed.workloadOptions)

const PACKAGES = { psql: 'postgresql-client', pgbench: 'postgresql-contrib' } as const

/** How to get a program of Postgres's clients; the server's npm package has none. */
export const howToGet = (name: keyof typeof PACKAGES): string =>
  `${name} is not on the PATH, and the server's npm package does not bring it: apt-get install ${PACKAGES[name]}.`
