// The run's own connection to every DC's server: table, loading, replication slots, digests and counters.
import type { Client } from 'pg'
import type {
  Admin,
  Backlog,
  DeployPlan,
  Digest,
  Endpoints,
  RowSelection,
  RowSource,
  RowStates,
  Joining,
} from '../../bench/contract/driver.ts'
import type { Counters, StoreDescription } from '../../bench/contract/store-words.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { TimelyAnswers } from '../../bench/lib/timely-answers.ts'
import { Claim } from './claim.ts'
import { connect, disconnect } from './connect.ts'
import { pipelineCounters, serverCounters } from './counters.ts'
import { describeServer, describeServers } from './describe.ts'
import { digestTable } from './digest.ts'
import { loadTable } from './load.ts'
import { slotName, SQL_PORT } from './names.ts'
import { nativeCounters } from './native-counters.ts'
import { replicateByPipelines } from './replicate-cdc.ts'
import { replicateNatively } from './replicate-native.ts'
import { readRows } from './row-states.ts'
import { othersOf, type Server } from './server.ts'
import { readSettings } from './settings.ts'
import { sqlTable } from './sql-table.ts'
import { createTable } from './statements.ts'

const STARTING_MS = 30_000
const ATTEMPT_MS = 5000
/** A server that is down or stands still is left out of the backlog. */
const BACKLOG_WITHIN_MS = 300

const open = (endpoints: Endpoints, dc: string, plan: DeployPlan, signal?: AbortSignal): Promise<Client> =>
  connect(
    {
      address: endpoints[dc][SQL_PORT],
      secret: plan.secret,
      access: plan.external?.access[dc],
      application: 'geowrite-admin',
      // A digest groups a whole table into few buckets, which the planner takes for millions: it would sort the table on disk.
      session: { enable_sort: 'off' },
      patienceMs: STARTING_MS,
      attemptMs: ATTEMPT_MS,
    },
    signal,
  )

class PostgresAdmin implements Admin {
  readonly #plan: DeployPlan
  readonly #endpoints: Endpoints
  readonly #clients: Map<string, Client>
  readonly #signal: AbortSignal
  readonly #claim: Claim | undefined
  /** What the servers had counted before the run. */
  #before = new Map<string, Readonly<Record<string, number>>>()
  readonly #lost = new Set<string>()
  readonly #reopening = new Map<string, Promise<Client>>()
  readonly #answers = new TimelyAnswers(BACKLOG_WITHIN_MS)

  constructor(plan: DeployPlan, endpoints: Endpoints, clients: Map<string, Client>, signal: AbortSignal) {
    this.#plan = plan
    this.#signal = signal
    this.#endpoints = endpoints
    this.#clients = clients
    this.#claim = plan.external === undefined ? undefined : new Claim(plan, plan.external, endpoints, signal)
    for (const [dc, client] of clients) this.#watch(dc, client)
  }

  #watch(dc: string, client: Client): void {
    client.on('end', () => {
      if (this.#clients.get(dc) === client) this.#lost.add(dc)
    })
  }

  /** The connection to a DC, opened again when its server was restarted. Throws SERVERS when the run's lock is lost. */
  async #client(dc: string): Promise<Client> {
    this.#claim?.check()
    if (this.#lost.delete(dc)) {
      const reopening = this.#reopen(dc).finally(() => this.#reopening.delete(dc))
      this.#reopening.set(dc, reopening)
    }
    const reopened = this.#reopening.get(dc)
    if (reopened !== undefined) return reopened
    const client = this.#clients.get(dc)
    if (client === undefined) throw new BenchError('BUG', `The postgres admin has no connection to ${dc}.`)
    return client
  }

  async #reopen(dc: string): Promise<Client> {
    try {
      const client = await open(this.#endpoints, dc, this.#plan, this.#signal)
      this.#clients.set(dc, client)
      this.#watch(dc, client)
      return client
    } catch (error) {
      this.#lost.add(dc)
      throw error
    }
  }

  #servers(): Promise<Server[]> {
    return Promise.all(this.#plan.dcs.map(async (dc) => ({ dc, client: await this.#client(dc.name) })))
  }

  async #everywhere<R>(task: (server: Server) => Promise<R>): Promise<R[]> {
    return Promise.all((await this.#servers()).map(task))
  }

  async describe(): Promise<StoreDescription> {
    const servers = await this.#servers()
    return this.#claim === undefined ? describeServer(servers[0].client) : describeServers(servers)
  }

  async prepare(): Promise<void> {
    const statement = createTable(sqlTable(this.#plan), readSettings(this.#plan.settings).fillfactor)
    if (this.#claim !== undefined) {
      await this.#claim.make(await this.#servers())
      const counted = await this.#everywhere(async ({ client, dc }) => [dc.name, await serverCounters(client)] as const)
      this.#before = new Map(counted)
    }
    await this.#everywhere(({ client }) => client.query(statement))
  }

  async remove(): Promise<void> {
    if (this.#claim === undefined) return
    // What they are still at is in the way of removing.
    await Promise.all([...this.#clients.values()].map(disconnect))
    await this.#claim.remove()
  }

  async load(source: RowSource, progress: (rows: number) => void): Promise<void> {
    const clients = (await this.#servers()).map(({ client }) => client)
    await loadTable(clients, sqlTable(this.#plan), source, progress)
    await this.flush()
  }

  async replicate(joining: Joining): Promise<void> {
    const servers = await this.#servers()
    if (this.#plan.replication === 'native') await replicateNatively(servers, this.#plan, joining, this.#signal)
    else await replicateByPipelines(servers, this.#plan)
  }

  async backlog(): Promise<readonly Backlog[]> {
    this.#claim?.check()
    const links = this.#plan.dcs.map((from) => this.#answers.of(from.name, () => this.#backlogFrom(from)))
    return (await Promise.all(links)).flatMap((found) => found ?? [])
  }

  async #backlogFrom(from: Dc): Promise<readonly Backlog[]> {
    const client = await this.#client(from.name)
    const { rows } = await client.query<{ slot: string; bytes: number }>(
      `SELECT slot_name AS slot, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 AS bytes
         FROM pg_replication_slots WHERE slot_type = 'logical'`,
    )
    return othersOf(from, this.#plan.dcs).map((to): Backlog => {
      const name = slotName(to)
      // Each stream's slot stands for the whole log: the last one says what is left.
      const own = rows.filter(({ slot }) => slot === name || slot.startsWith(`${name}_`))
      const amount = Math.max(0, ...own.map(({ bytes }) => bytes))
      return { from: from.name, to: to.name, amount, unit: 'bytes' }
    })
  }

  async digest(dc: string, selection: { readonly buckets: number; readonly keys?: Float64Array }): Promise<Digest> {
    return digestTable(await this.#client(dc), sqlTable(this.#plan), selection)
  }

  async *rows(dc: string, selection: RowSelection): AsyncGenerator<RowStates> {
    const client = await open(this.#endpoints, dc, this.#plan)
    try {
      yield* readRows(client, sqlTable(this.#plan), selection)
    } finally {
      await disconnect(client)
    }
  }

  async counters(): Promise<Counters> {
    const servers = await this.#servers()
    const { conflictsReported, own } =
      this.#plan.replication === 'native'
        ? await nativeCounters(servers)
        : await pipelineCounters(this.#plan.dcs, this.#endpoints)
    const ofServers = servers.map(async ({ client, dc }) =>
      Object.entries(await serverCounters(client)).map(([name, value]): [string, number] => [
        `${dc.name}_${name}`,
        value - (this.#before.get(dc.name)?.[name] ?? 0),
      ]),
    )
    return { conflictsReported, own: { ...own, ...Object.fromEntries((await Promise.all(ofServers)).flat()) } }
  }

  async flush(): Promise<void> {
    // What a server of the user's has in memory is its own affair where the user may not ask for it.
    if (this.#claim?.mayFlush === false) return
    await this.#everywhere(({ client }) => client.query('CHECKPOINT'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients.values()].map(disconnect))
    await this.#claim?.[Symbol.asyncDispose]()
  }
}

/** Connects to every DC; waits while servers are still starting. */
export async function openAdmin(endpoints: Endpoints, plan: DeployPlan, signal: AbortSignal): Promise<Admin> {
  const opened = await Promise.allSettled(
    plan.dcs.map(async (dc): Promise<[string, Client]> => [dc.name, await open(endpoints, dc.name, plan, signal)]),
  )
  const clients = new Map(opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
  const failed = opened.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await Promise.all([...clients.values()].map(disconnect))
    throw failed.reason
  }
  return new PostgresAdmin(plan, endpoints, clients, signal)
}
