// Whether a server that is not ours can do what a run needs, and lets the user do it: asked before anything is made there.
import { escapeIdentifier } from 'pg'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { codeOf } from './connect.ts'
import { othersOf, type Server } from './server.ts'
import { readSettings } from './settings.ts'
import { makeSlotSoon } from './slot.ts'

/** What the counters ask for is there since then; `old.` and `new.` in RETURNING since the other one. */
const VERSION_MIN = 17
const VERSION_MIN_EXACT = 18

/** By default superusers alone may call these; others once it was granted to them. */
const ORIGIN_FUNCTIONS = [
  'pg_replication_origin_create(text)',
  'pg_replication_origin_drop(text)',
  'pg_replication_origin_session_setup(text)',
  'pg_replication_origin_xact_setup(pg_lsn, timestamptz)',
]

interface Found {
  readonly who: string
  readonly database: string
  readonly version: number
  readonly standby: boolean
  readonly wal_level: string
  readonly may_create: boolean
  readonly may_publish: boolean
  readonly may_subscribe: boolean
  readonly may_flush: boolean
  readonly no_origin: readonly string[]
}

const ASK = `SELECT current_user AS who, current_database() AS database,
  current_setting('server_version_num')::int / 10000 AS version,
  pg_is_in_recovery() AS standby,
  current_setting('wal_level') AS wal_level,
  has_schema_privilege('public', 'CREATE') AS may_create,
  has_database_privilege(current_database(), 'CREATE') AS may_publish,
  pg_has_role('pg_create_subscription', 'USAGE') AS may_subscribe,
  pg_has_role('pg_checkpoint', 'USAGE') AS may_flush,
  ARRAY(SELECT name FROM unnest($1::text[]) AS name WHERE NOT has_function_privilege(name, 'EXECUTE')) AS no_origin`

/** Why the server cannot be used as it is, and what to do; undefined when it can. */
function lacking(found: Found, { replication, causality }: DeployPlan): string | undefined {
  const { database, version, standby, wal_level: level } = found
  const who = escapeIdentifier(found.who)
  const least = causality === 'exact' ? VERSION_MIN_EXACT : VERSION_MIN
  if (version < least) return `is PostgreSQL ${version}, and a run needs ${least} or newer: use a newer server`
  if (standby) return 'is a standby, which takes no writes: name the server that it follows'
  if (level !== 'logical') {
    return `has wal_level ${level}, which says too little to replicate from: set it to logical there, and start it again`
  }
  if (!found.may_create) {
    return `does not let ${who} make tables in the schema public: GRANT CREATE ON SCHEMA public TO ${who}`
  }
  if (!found.may_publish) {
    return `does not let ${who} make publications: GRANT CREATE ON DATABASE ${escapeIdentifier(database)} TO ${who}`
  }
  if (replication === 'native' && !found.may_subscribe) {
    return `does not let ${who} make subscriptions: GRANT pg_create_subscription TO ${who}`
  }
  if (replication !== 'native' && found.no_origin.length > 0) {
    return `does not let ${who} say where rows come from: GRANT EXECUTE ON FUNCTION ${found.no_origin.join(', ')} TO ${who}`
  }
  return undefined
}

/** Makes a slot that goes with the connection: no catalog says all of who may, and how many more. */
async function slotTrouble(server: Server): Promise<string | undefined> {
  const { client } = server
  // Its name is the whole server's: runs in other databases make theirs at the same time.
  const { rows: own } = await client.query<{ slot: string }>(`SELECT 'geowrite_check_' || pg_backend_pid() AS slot`)
  const [{ slot }] = own
  try {
    await makeSlotSoon(server, slot, true)
    await client.query('SELECT pg_drop_replication_slot($1)', [slot])
    return undefined
  } catch (error) {
    if (codeOf(error) === '42501') {
      const { rows } = await client.query<{ who: string }>('SELECT current_user AS who')
      const who = escapeIdentifier(rows[0].who)
      return `does not let ${who} replicate (${messageOf(error)}): ALTER ROLE ${who} REPLICATION`
    }
    if (codeOf(error) === '53400')
      return `has no replication slot left (${messageOf(error)}): raise max_replication_slots there`
    throw error
  }
}

async function slotsLeft({ client }: Server): Promise<number> {
  const { rows } = await client.query<{ left: number }>(
    `SELECT current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int AS left`,
  )
  return rows[0].left
}

/** Says whether the user may also make it write its memory out. Throws SERVERS with one sentence for the first thing that is lacking. */
export async function checkServer(server: Server, plan: DeployPlan): Promise<{ readonly mayFlush: boolean }> {
  const { rows } = await server.client.query<Found>(ASK, [ORIGIN_FUNCTIONS])
  const needed =
    othersOf(server.dc, plan.dcs).length * (plan.replication === 'native' ? readSettings(plan.settings).streams : 1)
  let trouble = lacking(rows[0], plan) ?? (await slotTrouble(server))
  if (trouble === undefined && (await slotsLeft(server)) < needed) {
    trouble = `has fewer than the ${needed} replication slots left that the run needs: raise max_replication_slots there`
  }
  if (trouble !== undefined) throw new BenchError('SERVERS', `The server of ${server.dc.name} ${trouble}.`)
  return { mayFlush: rows[0].may_flush }
}
