// What runs make on servers that are not ours: written down there before it is made, so that it can always be removed again, by the
// run itself or by the next one, and told from what is the user's.
import { escapeIdentifier, escapeLiteral, type Client } from 'pg'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { delay } from '../../bench/lib/clock.ts'
import { PROGRESS } from './apply-statements.ts'
import { codeOf } from './connect.ts'
import { originName, PUBLICATION, slotName, streamPublication, streamSlot, subscriptionName } from './names.ts'
import { othersOf, type Server } from './server.ts'
import { readSettings } from './settings.ts'

/** In the order in which they are removed: a subscription holds the slot of another server, the rest only each other. */
const KINDS = ['subscription', 'replication slot', 'publication', 'replication origin', 'table'] as const
type Kind = (typeof KINDS)[number]

export interface Thing {
  readonly kind: Kind
  readonly name: string
}

/** What is there of that name. */
export interface FoundThing extends Thing {
  /** The database that it belongs to, when that is another one. */
  readonly elsewhere: string | null
}

/** The list of what a run has made, and the words by which it is known for ours. */
const LIST = 'geowrite_made'
const LIST_MEANING = 'What a run of geowrite has made in this database; it removes it when it ends.'

/** What was in use a moment ago is tried again. */
const IN_USE = /^(55006|55P03|40P01)$/
const REMOVED_WITHIN_MS = 3000
/** What comes after a failure is tried again for less long: Ctrl-C has to be done in 4 s, and a slot is ended in a moment. */
const AFTER_FAILURE_WITHIN_MS = 200
const LOOK_EVERY_MS = 50

/** Everything that a run makes on the server of one DC. */
export function thingsOf(plan: DeployPlan, { dc }: Server): Thing[] {
  const { appliers, streams } = readSettings(plan.settings)
  const others = othersOf(dc, plan.dcs)
  const count = (n: number) => Array.from({ length: n }, (_, i) => i)
  const table: Thing = { kind: 'table', name: plan.table.name }
  if (plan.replication === 'native') {
    const each = count(streams).flatMap((stream): Thing[] => [
      { kind: 'publication', name: streamPublication(stream) },
      ...others.flatMap((other): Thing[] => [
        { kind: 'replication slot', name: streamSlot(other, stream) },
        { kind: 'subscription', name: subscriptionName(other, stream) },
      ]),
    ])
    return [table, ...each]
  }
  return [
    table,
    { kind: 'table', name: PROGRESS },
    { kind: 'publication', name: PUBLICATION },
    ...others.flatMap((other): Thing[] => [
      { kind: 'replication slot', name: slotName(other) },
      ...count(appliers).map((applier): Thing => ({ kind: 'replication origin', name: originName(other, applier) })),
    ]),
  ]
}

const FOUND: Readonly<Record<Kind, string>> = {
  table: `SELECT relname AS name, NULL AS elsewhere FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
  publication: 'SELECT pubname AS name, NULL AS elsewhere FROM pg_publication',
  subscription:
    'SELECT subname AS name, NULL AS elsewhere FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())',
  // Of any database: their names are the whole server's.
  'replication slot': `SELECT slot_name AS name, CASE WHEN database IS DISTINCT FROM current_database() THEN coalesce(database, 'none') END AS elsewhere
     FROM pg_replication_slots`,
  'replication origin': 'SELECT roname AS name, NULL AS elsewhere FROM pg_replication_origin',
}

/** Which of the things are there. */
export async function thingsThere({ client }: Server, things: readonly Thing[]): Promise<FoundThing[]> {
  const each = KINDS.map(
    (kind) =>
      `SELECT '${kind}' AS kind, name::text AS name, elsewhere::text AS elsewhere FROM (${FOUND[kind]}) AS found`,
  )
  const { rows } = await client.query<FoundThing>(
    `SELECT kind, name, elsewhere FROM (${each.join(' UNION ALL ')}) AS there
     WHERE (kind, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [things.map(({ kind }) => kind), things.map(({ name }) => name)],
  )
  return rows
}

/** Whether the list is there and ours. */
async function hasList(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ meaning: string | null }>(
    `SELECT obj_description(to_regclass('public.${LIST}'), 'pg_class') AS meaning`,
  )
  return rows[0].meaning === LIST_MEANING
}

/** What a run has written down here and not removed. */
export async function thingsListed({ client }: Server): Promise<Thing[]> {
  if (!(await hasList(client))) return []
  return (await client.query<Thing>(`SELECT kind, name FROM public.${LIST}`)).rows
}

/** Writes down what is about to be made. */
export async function list({ client }: Server, things: readonly Thing[]): Promise<void> {
  await client.query('BEGIN')
  await client.query(`CREATE TABLE public.${LIST} (kind text NOT NULL, name text NOT NULL)`)
  await client.query(`COMMENT ON TABLE public.${LIST} IS ${escapeLiteral(LIST_MEANING)}`)
  await client.query(`INSERT INTO public.${LIST} SELECT * FROM unnest($1::text[], $2::text[])`, [
    things.map(({ kind }) => kind),
    things.map(({ name }) => name),
  ])
  await client.query('COMMIT')
}

const REMOVE: Readonly<Record<Kind, (client: Client, name: string) => Promise<unknown>>> = {
  async subscription(client, name) {
    const subscription = escapeIdentifier(name)
    await client.query(`ALTER SUBSCRIPTION ${subscription} DISABLE`)
    // Its slot is another server's to drop: that one may be away.
    await client.query(`ALTER SUBSCRIPTION ${subscription} SET (slot_name = NONE)`)
    await client.query(`DROP SUBSCRIPTION ${subscription}`)
  },
  async 'replication slot'(client, name) {
    await client.query(
      'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database() AND active_pid IS NOT NULL',
      [name],
    )
    await client.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()',
      [name],
    )
  },
  publication: (client, name) => client.query(`DROP PUBLICATION ${escapeIdentifier(name)}`),
  'replication origin': (client, name) => client.query('SELECT pg_replication_origin_drop($1)', [name]),
  table: (client, name) => client.query(`DROP TABLE public.${escapeIdentifier(name)}`),
}

async function remove({ client, dc }: Server, { kind, name }: Thing, giveUpAtMs: number): Promise<void> {
  for (;;) {
    try {
      await REMOVE[kind](client, name)
      return
    } catch (error) {
      if (!IN_USE.test(codeOf(error)) || performance.now() > giveUpAtMs) {
        throw new BenchError(
          'SERVERS',
          `The ${kind} ${name} of ${dc.name} could not be removed (${messageOf(error)}): remove it there.`,
          { cause: error },
        )
      }
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** Things of one server, and what has kept some of them from being removed. */
interface Removal {
  readonly server: Server
  readonly things: readonly FoundThing[]
  readonly failures: unknown[]
}

async function removalOf(server: Server, thingsHere: () => Promise<readonly Thing[]>): Promise<Removal> {
  try {
    // What another database has under the same name is not what was made from here.
    const there = await thingsThere(server, await thingsHere())
    return { server, things: there.filter(({ elsewhere }) => elsewhere === null), failures: [] }
  } catch (error) {
    return { server, things: [], failures: [error] }
  }
}

async function removeKind({ server, things, failures }: Removal, kind: Kind): Promise<void> {
  const giveUpAtMs = performance.now() + (failures.length === 0 ? REMOVED_WITHIN_MS : AFTER_FAILURE_WITHIN_MS)
  for (const thing of things) {
    if (thing.kind !== kind) continue
    try {
      await remove(server, thing, giveUpAtMs)
    } catch (error) {
      failures.push(error)
    }
  }
}

/**
 * Removes what is there of the things of each server, what holds others before these, and then does `after` where all are gone. What
 * cannot be removed does not keep the rest: a slot that is left makes its server keep its log. Throws the first failure at the end.
 */
export async function removeThings(
  servers: readonly Server[],
  thingsOfServer: (server: Server) => Promise<readonly Thing[]>,
  after: (server: Server) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const removals = await Promise.all(servers.map((server) => removalOf(server, () => thingsOfServer(server))))
  for (const kind of KINDS) await Promise.all(removals.map((removal) => removeKind(removal, kind)))
  await Promise.all(
    removals.map(async ({ server, failures }) => {
      if (failures.length > 0) return
      try {
        await after(server)
      } catch (error) {
        failures.push(error)
      }
    }),
  )
  const [failure] = removals.flatMap(({ failures }) => failures)
  if (failure !== undefined) throw failure
}

/** For when nothing of what was written down is there any more. */
export async function forgetList({ client }: Server): Promise<void> {
  if (await hasList(client)) await client.query(`DROP TABLE public.${LIST}`)
}
