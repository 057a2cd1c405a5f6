// A run's stay on servers that are not ours: one run at a time in a database, nothing of the user's touched, nothing left behind.
import type { Client } from 'pg'
import type { DeployPlan, Endpoints } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { External } from '../../bench/contract/external.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { applicationOf, connect, disconnect } from './connect.ts'
import { Lock, LOCK_APPLICATION } from './lock.ts'
import {
  forgetList,
  list,
  removeThings,
  thingsListed,
  thingsOf,
  thingsThere,
  type FoundThing,
  type Thing,
} from './made.ts'
import { SQL_PORT } from './names.ts'
import { checkServer } from './rights.ts'
import type { Server } from './server.ts'

/** Ctrl-C has to be done in 4 s: what cannot be reached by then is left to the next run. */
const REACHED_WITHIN_MS = 1500

/** The stay of one run; `remove` ends it. */
export class Claim implements AsyncDisposable {
  readonly #plan: DeployPlan
  readonly #external: External
  readonly #endpoints: Endpoints
  readonly #signal: AbortSignal
  readonly #locks = new Map<string, Lock>()
  readonly #claimed = new Set<string>()
  #mayFlush = false
  #claiming: Promise<unknown> = Promise.resolve()

  constructor(plan: DeployPlan, external: External, endpoints: Endpoints, signal: AbortSignal) {
    this.#plan = plan
    this.#external = external
    this.#endpoints = endpoints
    this.#signal = signal
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
    await allOf(servers.map(({ dc }) => this.#lock(dc.name).take(this.#reach(dc.name), this.#signal)))
    // What a run that was killed has left: its lock is free, or we had not got here.
    await removeThings(servers, thingsListed, forgetList)
    const checked = await Promise.all(servers.map((server) => checkServer(server, this.#plan)))
    this.#mayFlush = checked.every(({ mayFlush }) => mayFlush)
    const wanted = servers.map((server) => ({ server, things: thingsOf(this.#plan, server) }))
    const inTheWay = await Promise.all(
      wanted.map(async ({ server, things }) => ({ server, things: await thingsThere(server, things) })),
    )
    refuseElsewhere(inTheWay)
    if (this.#external.replaceExisting) {
      await removeThings(
        servers,
        async ({ dc }) => inTheWay.find(({ server }) => server.dc.name === dc.name)?.things ?? [],
      )
    } else refuse(inTheWay)
    for (const { server, things } of wanted) {
      this.#claimed.add(server.dc.name)
      await list(server, things)
    }
  }

  /** Throws SERVERS when it is no longer certain that the run is alone: the connection that holds a lock has ended. */
  check(): void {
    for (const lock of this.#locks.values()) lock.check()
  }

  /**
   * Removes what the run made, over connections of its own: those that it had may be busy, and are ended first. Throws SERVERS,
   * when all that could be done is done.
   */
  async remove(): Promise<void> {
    await this.#claiming
    try {
      const places = this.#plan.dcs.filter(({ name }) => this.#claimed.has(name))
      const opened = await Promise.allSettled(places.map((dc) => this.#entered(dc)))
      const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      const things = async (server: Server) => this.#leaving(await thingsListed(server))
      try {
        await removeThings(servers, things, async (server) => {
          await forgetList(server)
          this.#claimed.delete(server.dc.name)
        })
      } finally {
        await Promise.all(servers.map(({ client }) => disconnect(client)))
      }
      const failed = opened.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    } finally {
      await this[Symbol.asyncDispose]()
    }
  }

  /** A connection to remove over, when no other of this run is left and no other run can be there. */
  async #entered(dc: Dc): Promise<Server> {
    const reach = this.#reach(dc.name)
    const client = await connect({ ...reach, application: 'geowrite-removal' })
    try {
      await endOthers(client, applicationOf({ ...reach, application: LOCK_APPLICATION }))
      // Held all along, unless its connection was lost: what is there then may be another run's by now.
      await this.#lock(dc.name).take(reach)
      return { dc, client }
    } catch (error) {
      await disconnect(client)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#locks.values()].map((lock) => lock.release()))
  }

  #leaving(things: readonly Thing[]): readonly Thing[] {
    const isKept = ({ kind, name }: Thing) => kind === 'table' && name === this.#plan.table.name
    return this.#external.keepTables ? things.filter((thing) => !isKept(thing)) : things
  }

  #lock(dc: string): Lock {
    const lock = this.#locks.get(dc) ?? new Lock(dc)
    this.#locks.set(dc, lock)
    return lock
  }

  #reach(dc: string) {
    return {
      address: this.#endpoints[dc][SQL_PORT],
      secret: this.#plan.secret,
      access: this.#external.access[dc],
      patienceMs: REACHED_WITHIN_MS,
      attemptMs: REACHED_WITHIN_MS,
    }
  }
}

/** Rejects as the first that does, when all have ended: none is still at it behind our back. */
async function allOf(tasks: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Ends the connections of this run but those that hold its locks; they bear its name, as this one does. */
async function endOthers(client: Client, locks: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user AND application_name LIKE 'geowrite-%' AND pid <> pg_backend_pid()
       AND right(application_name, 13) = right($1, 13) AND application_name <> $1`,
    [locks],
  )
}

/** Slots go by names of the whole server: one of another database is what somebody else replicates through. */
function refuseElsewhere(each: readonly { readonly server: Server; readonly things: readonly FoundThing[] }[]): void {
  for (const { server, things } of each) {
    const thing = things.find(({ elsewhere }) => elsewhere !== null)
    if (thing === undefined) continue
    throw new BenchError(
      'SERVERS',
      `The server of ${server.dc.name} has a ${thing.kind} ${thing.name} of its database ${thing.elsewhere}, which is not removed from here: wait until the run of geowrite there has ended, or have it removed there.`,
    )
  }
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
