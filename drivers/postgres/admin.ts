// The run's own connection to every DC's server: table, loading, replication slots, digests and counters.
import type { Client } from 'pg'
import type {
  Address,
  Admin,
  Backlog,
  Counters,
  DeployPlan,
  Digest,
  Endpoints,
  RowSelection,
  RowSource,
  RowStates,
  StoreDescription,
} from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { connect, disconnect } from './connect.ts'
import { pipelineCounters, serverCounters } from './counters.ts'
import { describeServer } from './describe.ts'
import { digestTable } from './digest.ts'
import { loadTable } from './load.ts'
import { controlPort, originName, PUBLICATION, slotName, SQL_PORT } from './names.ts'
import { readRows } from './row-states.ts'
import { readSettings } from './settings.ts'
import { addProgress, createProgress, createTable, tableName } from './statements.ts'

const STARTING_MS = 30_000
const ATTEMPT_MS = 5000

const open = (address: Address, plan: DeployPlan, signal?: AbortSignal): Promise<Client> =>
  connect(
    {
      address,
      secret: plan.secret,
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
  readonly #lost = new Set<string>()

  constructor(plan: DeployPlan, endpoints: Endpoints, clients: Map<string, Client>) {
    this.#plan = plan
    this.#endpoints = endpoints
    this.#clients = clients
    for (const [dc, client] of clients) this.#watch(dc, client)
  }

  #watch(dc: string, client: Client): void {
    client.on('end', () => {
      if (this.#clients.get(dc) === client) this.#lost.add(dc)
    })
  }

  /** The connection to a DC, opened again when its server was restarted. */
  async #client(dc: string): Promise<Client> {
    if (this.#lost.delete(dc)) {
      try {
        const client = await open(this.#endpoints[dc][SQL_PORT], this.#plan)
        this.#clients.set(dc, client)
        this.#watch(dc, client)
      } catch (error) {
        this.#lost.add(dc)
        throw error
      }
    }
    const client = this.#clients.get(dc)
    if (client === undefined) throw new BenchError('BUG', `The postgres admin has no connection to ${dc}.`)
    return client
  }

  #everywhere<R>(task: (client: Client, dc: Dc) => Promise<R>): Promise<R[]> {
    return Promise.all(this.#plan.dcs.map(async (dc) => task(await this.#client(dc.name), dc)))
  }

  #others(dc: Dc): readonly Dc[] {
    return this.#plan.dcs.filter((other) => other.name !== dc.name)
  }

  async describe(): Promise<StoreDescription> {
    return describeServer(await this.#client(this.#plan.dcs[0].name))
  }

  async prepare(): Promise<void> {
    const { table, settings } = this.#plan
    const statement = createTable(table, readSettings(settings).fillfactor)
    await this.#everywhere((client) => client.query(statement))
  }

  async load(source: RowSource, progress: (rows: number) => void): Promise<void> {
    const clients = await this.#everywhere(async (client) => client)
    await loadTable(clients, this.#plan.table, source, progress)
  }

  async replicate(): Promise<void> {
    const { table, settings } = this.#plan
    const { appliers } = readSettings(settings)
    await this.#everywhere(async (client, dc) => {
      await client.query(`CREATE PUBLICATION ${PUBLICATION} FOR TABLE ${tableName(table)}`)
      await client.query(createProgress)
      for (const other of this.#others(dc)) {
        for (let applier = 0; applier < appliers; applier++) {
          await client.query('SELECT pg_replication_origin_create($1)', [originName(other, applier)])
          await client.query(addProgress, [originName(other, applier)])
        }
        await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slotName(other)])
      }
    })
  }

  async backlog(): Promise<readonly Backlog[]> {
    const links = await this.#everywhere(async (client, from) => {
      const { rows } = await client.query<{ slot: string; bytes: number }>(
        `SELECT slot_name AS slot, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 AS bytes
         FROM pg_replication_slots WHERE slot_type = 'logical'`,
      )
      return this.#others(from).map((to): Backlog => {
        const amount = rows.find(({ slot }) => slot === slotName(to))?.bytes ?? 0
        return { from: from.name, to: to.name, amount: Math.max(0, amount), unit: 'bytes' }
      })
    })
    return links.flat()
  }

  async digest(dc: string, selection: { readonly buckets: number; readonly keys?: Float64Array }): Promise<Digest> {
    return digestTable(await this.#client(dc), this.#plan.table, selection)
  }

  async *rows(dc: string, selection: RowSelection): AsyncGenerator<RowStates> {
    const client = await open(this.#endpoints[dc][SQL_PORT], this.#plan)
    try {
      yield* readRows(client, this.#plan.table, selection)
    } finally {
      await disconnect(client)
    }
  }

  async counters(): Promise<Counters> {
    const controls = this.#plan.dcs.flatMap((dc) =>
      this.#others(dc).flatMap((other) => this.#endpoints[dc.name][controlPort(other.name)] ?? []),
    )
    const { conflictsReported, own } = await pipelineCounters(controls)
    const servers = await this.#everywhere(async (client, dc) =>
      Object.entries(await serverCounters(client)).map(([name, value]): [string, number] => [
        `${dc.name}_${name}`,
        value,
      ]),
    )
    return { conflictsReported, own: { ...own, ...Object.fromEntries(servers.flat()) } }
  }

  async flush(): Promise<void> {
    await this.#everywhere((client) => client.query('CHECKPOINT'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients.values()].map(disconnect))
  }
}

/** Connects to every DC; waits while servers are still starting. */
export async function openAdmin(endpoints: Endpoints, plan: DeployPlan, signal: AbortSignal): Promise<Admin> {
  const opened = await Promise.allSettled(
    plan.dcs.map(async (dc): Promise<[string, Client]> => [
      dc.name,
      await open(endpoints[dc.name][SQL_PORT], plan, signal),
    ]),
  )
  const clients = new Map(opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
  const failed = opened.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await Promise.all([...clients.values()].map(disconnect))
    throw failed.reason
  }
  return new PostgresAdmin(plan, endpoints, clients)
}
