// The replication `native`: publications, slots and subscriptions of the servers themselves, a part of the keys a stream.
import { dirname, join } from 'node:path'
import { escapeLiteral } from 'pg'
import type { Address, DeployPlan, Joining } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import type { Access } from '../../bench/contract/external.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { delay } from '../../bench/lib/clock.ts'
import { codeOf } from './connect.ts'
import { DATABASE, PASSFILE, ROLE, SQL_PORT, streamPublication, streamSlot, subscriptionName } from './names.ts'
import { othersOf, type Server } from './server.ts'
import { readSettings } from './settings.ts'
import { makeSlot, makeSlotSoon } from './slot.ts'
import { tableName } from './sql-table.ts'

const STREAMING_WITHIN_MS = 30_000
const LOOK_EVERY_MS = 50

/** A value of a connection string, which has quotes and backslashes of its own. */
const quoted = (value: string | number): string => `'${String(value).replaceAll(/['\\]/g, '\\$&')}'`

/**
 * How a receiver's server reaches a source of ours. The password stays in the server's own file: neither catalog nor log has it.
 * One of the user's has no such file: there it stands in the catalog, for its superusers to read, until the run ends, and in the log
 * where statements are logged, or this one fails.
 */
function connectionString({ host, port }: Address, passfile: string, access?: Access): string {
  const own = { user: ROLE, dbname: DATABASE, passfile, sslmode: 'disable' }
  const parts = { host, port, ...(access === undefined ? own : loginParts(access)), connect_timeout: 10 }
  return Object.entries(parts)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(' ')
}

function loginParts({ user, database = DATABASE, password, peerTls }: Access): Record<string, string> {
  const { mode, ca } = peerTls
  return {
    user,
    dbname: database,
    ...(password === undefined ? {} : { password }),
    sslmode: mode,
    ...(mode.startsWith('verify') ? { sslrootcert: ca } : {}),
  }
}

/** Publications and slots of one source. The filter's column is the primary key, so that updates carry it as well. */
async function publish(server: Server, { dcs, table, external }: DeployPlan, streams: number): Promise<void> {
  const { client, dc } = server
  const make = external === undefined ? makeSlot : makeSlotSoon
  for (let stream = 0; stream < streams; stream++) {
    const part = streams === 1 ? '' : ` WHERE (key % ${streams} = ${stream})`
    await client.query(`CREATE PUBLICATION ${streamPublication(stream)} FOR TABLE ${tableName(table)}${part}`)
    for (const receiver of othersOf(dc, dcs)) {
      await make(server, streamSlot(receiver, stream))
    }
  }
}

async function passfileOf(client: Server['client']): Promise<string> {
  const { rows } = await client.query<{ path: string }>(`SELECT current_setting('config_file') AS path`)
  return join(dirname(rows[0].path), PASSFILE)
}

function cannotSubscribe(receiver: Dc, source: Dc, error: unknown): never {
  throw new BenchError(
    'SERVERS',
    `The server of ${receiver.name} cannot subscribe to ${source.name} (${messageOf(error)}): say under peers of ${source.name} how it is reached from there, with which tls and which ca.`,
    { cause: error },
  )
}

/** A statement that fails is logged as it stands, password and all, unless this says otherwise; who may say so is the server's affair. */
const STATEMENT_LOGGING = 'log_min_error_statement'
const MAY_NOT = '42501'

/** Does the task, and keeps its statements out of the server's log should they fail, where that is allowed. */
async function unlogged(client: Server['client'], task: () => Promise<void>): Promise<void> {
  try {
    await client.query(`SET ${STATEMENT_LOGGING} = panic`)
  } catch (error) {
    if (codeOf(error) !== MAY_NOT) throw error
    return task()
  }
  try {
    await task()
  } finally {
    // A connection that has ended needs nothing put back.
    await client.query(`RESET ${STATEMENT_LOGGING}`).catch(() => undefined)
  }
}

/** Subscriptions of one receiver to all others, each through the link. */
async function subscribe({ client, dc }: Server, plan: DeployPlan, joining: Joining): Promise<void> {
  const { streams, applySynchronousCommit } = readSettings(plan.settings)
  const passfile = plan.external === undefined ? await passfileOf(client) : ''
  const seen = joining.seenFrom(dc.name)
  const create = async (source: Dc, stream: number) => {
    const connection = connectionString(seen[source.name][SQL_PORT], passfile, plan.external?.access[source.name])
    const creating = client.query(
      `CREATE SUBSCRIPTION ${subscriptionName(source, stream)} CONNECTION ${escapeLiteral(connection)}
       PUBLICATION ${streamPublication(stream)}
       WITH (create_slot = false, slot_name = ${streamSlot(dc, stream)}, copy_data = false, origin = none,
             binary = true, synchronous_commit = ${applySynchronousCommit})`,
    )
    await (plan.external === undefined ? creating : creating.catch((error) => cannotSubscribe(dc, source, error)))
  }
  const createAll = async () => {
    for (const source of othersOf(dc, plan.dcs)) {
      for (let stream = 0; stream < streams; stream++) await create(source, stream)
    }
  }
  await (plan.external === undefined ? createAll() : unlogged(client, createAll))
}

/** Resolves when every slot of ours in the source is being read. Throws STORE when one is not within half a minute. */
async function untilRead({ client, dc }: Server, dcs: readonly Dc[], streams: number, signal: AbortSignal) {
  const slots = othersOf(dc, dcs).flatMap((to) =>
    Array.from({ length: streams }, (_, stream) => streamSlot(to, stream)),
  )
  const giveUpAtMs = performance.now() + STREAMING_WITHIN_MS
  for (;;) {
    const { rows } = await client.query<{ slot: string }>(
      'SELECT slot_name AS slot FROM pg_replication_slots WHERE slot_name = ANY($1) AND NOT active',
      [slots],
    )
    if (rows.length === 0) return
    if (performance.now() > giveUpAtMs) {
      throw new BenchError(
        'STORE',
        `No subscription reads the slot ${rows[0].slot} of ${dc.name} after ${STREAMING_WITHIN_MS / 1000} s: the receiving server's log says why.`,
      )
    }
    await delay(LOOK_EVERY_MS, signal)
  }
}

/**
 * Makes every server subscribe to all others and resolves when all are connected. A slot made by CREATE SUBSCRIPTION would
 * wait for the running transactions of its source, among them that server's own CREATE SUBSCRIPTION, and both for ever:
 * so all slots stand before the first subscription.
 */
export async function replicateNatively(
  servers: readonly Server[],
  plan: DeployPlan,
  joining: Joining,
  signal: AbortSignal,
): Promise<void> {
  const { streams } = readSettings(plan.settings)
  await Promise.all(servers.map((server) => publish(server, plan, streams)))
  await Promise.all(servers.map((server) => subscribe(server, plan, joining)))
  await Promise.all(servers.map((server) => untilRead(server, plan.dcs, streams, signal)))
}
