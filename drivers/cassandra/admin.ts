// The run's own hold on every server: table, loading, making one cluster of them, digests and counters.
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
import { TimelyAnswers } from '../../bench/lib/timely-answers.ts'
import { Agent } from './agent.ts'
import { Backlogs } from './backlog.ts'
import { connect, disconnect } from './connect.ts'
import { countersOf } from './counters.ts'
import { cqlTable, createTable, keyspaceOptions } from './cql-table.ts'
import { describeServer } from './describe.ts'
import { loadTable } from './load.ts'
import { changeSchema, introduce } from './meet.ts'
import { agentPort, KEYSPACE, nodesOf } from './names.ts'
import { readConsistency } from './replications.ts'
import { digestTable, selectedRows, type ScannedDc } from './scan.ts'
import { execute, type Server } from './server.ts'
import { readSettings } from './settings.ts'

const STATEMENT_MS = 30_000
const FLUSH_MS = 300_000
/** A server that is down or stands still is left out of the backlog. */
const BACKLOG_WITHIN_MS = 300
const STORAGE = 'org.apache.cassandra.db:type=StorageService'

class CassandraAdmin implements Admin {
  readonly #plan: DeployPlan
  readonly #servers: readonly Server[]
  readonly #copies: number
  readonly #backlogs: Backlogs
  readonly #answers = new TimelyAnswers(BACKLOG_WITHIN_MS)

  constructor(plan: DeployPlan, servers: readonly Server[]) {
    this.#plan = plan
    this.#servers = servers
    this.#copies = readSettings(plan.settings).rf
    this.#backlogs = new Backlogs(this.#copies, BACKLOG_WITHIN_MS)
  }

  describe(): Promise<StoreDescription> {
    return describeServer(this.#servers[0], readSettings(this.#plan.settings), this.#plan.replication)
  }

  async prepare(): Promise<void> {
    const table = createTable(cqlTable(this.#plan))
    await Promise.all(
      this.#servers.map(async (server) => {
        // A server does not know the other DCs yet, and refuses to name them. What is loaded goes past the commit log, into files.
        await execute(server, `CREATE KEYSPACE ${keyspaceOptions({ [server.node.dc.name]: 1 }, false)}`)
        await execute(server, table)
      }),
    )
  }

  async load(source: RowSource, progress: (rows: number) => void): Promise<void> {
    await loadTable(this.#servers, cqlTable(this.#plan), source, progress)
    await this.flush()
  }

  async replicate(joining: Joining): Promise<void> {
    await introduce(this.#servers, joining)
    const copies = Object.fromEntries(this.#plan.dcs.map(({ name }) => [name, this.#copies]))
    await changeSchema(this.#servers, `ALTER KEYSPACE ${keyspaceOptions(copies, true)}`)
    await this.#backlogs.rest(this.#servers, STATEMENT_MS)
  }

  async backlog(): Promise<readonly Backlog[]> {
    const dcs = this.#plan.dcs.map((from) =>
      this.#answers.of(from.name, () => this.#backlogs.of(this.#serversOf(from.name), this.#plan.dcs)),
    )
    return (await Promise.all(dcs)).flatMap((found) => found ?? [])
  }

  digest(dc: string, selection: { readonly buckets: number; readonly keys?: Float64Array }): Promise<Digest> {
    return digestTable(this.#scanned(dc), selection)
  }

  async *rows(dc: string, selection: RowSelection): AsyncGenerator<RowStates> {
    yield* await selectedRows(this.#scanned(dc), selection)
  }

  counters(): Promise<Counters> {
    return countersOf(this.#servers, this.#plan)
  }

  async flush(): Promise<void> {
    const operation = 'forceKeyspaceFlush(java.lang.String,[Ljava.lang.String;)'
    await Promise.all(this.#servers.map(({ agent }) => agent.run(STORAGE, operation, [KEYSPACE, []], FLUSH_MS)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map(({ client }) => disconnect(client)))
  }

  #serversOf(dc: string): readonly Server[] {
    return this.#servers.filter(({ node }) => node.dc.name === dc)
  }

  #scanned(dc: string): ScannedDc {
    const [server] = this.#serversOf(dc)
    if (server === undefined) throw new BenchError('BUG', `The cassandra admin knows no server of ${dc}.`)
    const consistency = readConsistency(this.#plan.replication, this.#copies)
    return { server, table: cqlTable(this.#plan), consistency }
  }
}

/** Connects to every server. */
export async function openAdmin(endpoints: Endpoints, plan: DeployPlan, signal: AbortSignal): Promise<Admin> {
  const copies = readSettings(plan.settings).rf
  const opened = await Promise.allSettled(
    nodesOf(plan.dcs, copies).map(async (node): Promise<Server> => {
      const { dc, copy } = node
      const client = await connect(endpoints, { dc, copies, copy, connections: 2, timeoutMs: STATEMENT_MS }, signal)
      const agent = new Agent(`cassandra ${dc.name}`, endpoints[dc.name][agentPort(copy)], plan.secret)
      return { node, client, agent }
    }),
  )
  const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = opened.find((result) => result.status === 'rejected')
  if (failed === undefined) return new CassandraAdmin(plan, servers)
  await Promise.all(servers.map(({ client }) => disconnect(client)))
  throw failed.reason
}
