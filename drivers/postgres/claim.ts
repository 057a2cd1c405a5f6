// A run's stay on servers that are not ours: one run at a time in a database, nothing of the user's touched, nothing left behind.
import type { Client } from 'pg'
import type { DeployPlan, Endpoints } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { External } from '../../bench/contract/external.ts'
import { delay } from '../../bench/lib/clock.ts'
import { connect, disconnect } from './connect.ts'
import { forgetList, list, removeThings, thingsListed, thingsOf, thingsThere, type Thing } from './made.ts'
import { SQL_PORT } from './names.ts'
import { checkServer } from './rights.ts'
import type { Server } from './server.ts'

/** “geow”, as a number: who holds this advisory lock of a database runs there. */
const LOCK = 0x67656f77
const LOCKED_WITHIN_MS = 2000
const LOOK_EVERY_MS = 50
/** Ctrl-C has to be done in 4 s: what cannot be reached by then is left to the next run. */
const REACHED_WITHIN_MS = 1500

async function isLocked(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS locked`)
  return rows[0].locked
}

/** Waits a little: the connection of a run that has just ended may still be going. */
async function lock({ client, dc }: Server): Promise<void> {
  const giveUpAtMs = performance.now() + LOCKED_WITHIN_MS
  while (!(await isLocked(client))) {
    if (performance.now() > giveUpAtMs) {
      throw new BenchError(
        'SERVERS',
        `Another run of geowrite is in this database of ${dc.name}: wait until it has ended, or name another database.`,
      )
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** The stay of one run; `remove` ends it. */
export class Claim {
  readonly #plan: DeployPlan
  readonly #external: External
  readonly #endpoints: Endpoints
  readonly #claimed = new Set<string>()
  #mayFlush = false
  #claiming: Promise<unknown> = Promise.resolve()

  constructor(plan: DeployPlan, external: External, endpoints: Endpoints) {
    this.#plan = plan
    this.#external = external
    this.#endpoints = endpoints
  }

  /** Whether every server lets the user make it write its memory out. */
  get mayFlush(): boolean {
    return this.#mayFlush
  }

  /** Finds every server fit and free, and writes down what is going to be made. Throws SERVERS. */
  make(servers: readonly Server[]): Promise<void> {
    const claiming = this.#make(servers)
    this.#claiming = claiming.catch(() => undefined)
    return claiming
  }

  async #make(servers: readonly Server[]): Promise<void> {
    await Promise.all(servers.map(lock))
    await this.#clearLeftovers(servers)
    const checked = await Promise.all(servers.map((server) => checkServer(server, this.#plan)))
    this.#mayFlush = checked.every(({ mayFlush }) => mayFlush)
    const wanted = servers.map((server) => ({ server, things: thingsOf(this.#plan, server) }))
    const inTheWay = await Promise.all(
      wanted.map(async ({ server, things }) => ({ server, things: await thingsThere(server, things) })),
    )
    if (this.#external.replaceExisting) await removeThings(inTheWay)
    else refuse(inTheWay)
    for (const { server, things } of wanted) {
      this.#claimed.add(server.dc.name)
      await list(server, things)
    }
  }

  /** What a run that was killed has left: its lock is free, or we had not got here. */
  async #clearLeftovers(servers: readonly Server[]): Promise<void> {
    await removeThings(
      await Promise.all(servers.map(async (server) => ({ server, things: await thingsListed(server) }))),
    )
    await Promise.all(servers.map(forgetList))
  }

  /**
   * Removes what the run made, over connections of its own: those that it had may be busy, and are ended first. Throws SERVERS,
   * when all that could be done is done.
   */
  async remove(): Promise<void> {
    await this.#claiming
    const opened = await Promise.allSettled(
      this.#plan.dcs
        .filter(({ name }) => this.#claimed.has(name))
        .map(async (dc) => ({ dc, client: await this.#reach(dc.name) })),
    )
    const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    try {
      await Promise.all(servers.map(({ client }) => endOthers(client)))
      await Promise.all(servers.map(lock))
      await removeThings(
        await Promise.all(
          servers.map(async (server) => ({ server, things: this.#leaving(await thingsListed(server)) })),
        ),
      )
      await Promise.all(servers.map(forgetList))
    } finally {
      await Promise.all(servers.map(({ client }) => disconnect(client)))
    }
    const failed = opened.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    this.#claimed.clear()
  }

  #leaving(things: readonly Thing[]): readonly Thing[] {
    const isKept = ({ kind, name }: Thing) => kind === 'table' && name === this.#plan.table.name
    return this.#external.keepTables ? things.filter((thing) => !isKept(thing)) : things
  }

  #reach(dc: string): Promise<Client> {
    return connect({
      address: this.#endpoints[dc][SQL_PORT],
      secret: '',
      access: this.#external.access[dc],
      application: 'geowrite-removal',
      patienceMs: REACHED_WITHIN_MS,
      attemptMs: REACHED_WITHIN_MS,
    })
  }
}

/** Ends the connections of the run: nobody else has such in this database. */
async function endOthers(client: Client): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user AND application_name LIKE 'geowrite-%' AND pid <> pg_backend_pid()`,
  )
}

function refuse(each: readonly { readonly server: Server; readonly things: readonly Thing[] }[]): void {
  for (const { server, things } of each) {
    const [thing] = things
    if (thing === undefined) continue
    throw new BenchError(
      'SERVERS',
      `The server of ${server.dc.name} has a ${thing.kind} ${thing.name} that geowrite did not make or was told to keep: name another database, or give --replace-existing to have it removed${thing.kind === 'table' ? ' with its data' : ''}.`,
    )
  }
}
