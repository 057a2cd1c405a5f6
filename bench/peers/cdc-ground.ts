// What all comparisons of replication on Postgres share: two DCs of rows, a backlog on command, and knowing when it has arrived.
import { join } from 'node:path'
import type { Client } from 'pg'
import { BenchError } from '../contract/errors.ts'
import type { Table } from '../contract/table.ts'
import { delay, nowUs } from '../lib/clock.ts'
import { moduleExport } from '../stages/thread-plan.ts'
import type { ContestOrder, Side } from './comparison.ts'
import { Deployed, type SystemOptions } from './deployed.ts'
import { startPeer } from './peer-process.ts'
import { connected, loginTo, profilesOn, tableOf, type PostgresLogin } from './postgres-ground.ts'
import type { RowsOrder } from './made-rows.ts'
import { sqlName } from './postgres-statements.ts'

/** So many that random keys are seldom in the processor's caches, few enough to stay in the servers' memory. */
const ROWS = '500000'
/** Rows of a backlog for each millisecond of a turn, about as many as are drained in it: 20 s are 2,000,000. */
const BACKLOG_ROWS_PER_MS = 100
const LOOK_EVERY_MS = 10
const ARRIVED_WITHIN_MS = 120_000
/** What was written last: of this much of the versions' clock, so many rows of a batch. An applier has half of each. */
const TAIL_US = 100_000
const TAIL_ROWS = 10

/** What a loop that writes rows is told. */
export interface CdcLoopOrder {
  readonly login: PostgresLogin
  /** Settings of its sessions, as a command line of the server's. */
  readonly session: string
  /** The table into which the last writer wins; absent where the loop upserts as geowrite's own writers do. */
  readonly into?: string
  readonly batchRows: number
  readonly rowsPerMs: number
  readonly workload: ReturnType<typeof moduleExport>
  readonly rows: RowsOrder
}

const LOOP = new URL('./cdc-rows-loop.ts', import.meta.url)

/** A system of the replication named, with as much of the table as stays in memory. */
export const replicatedBy = (replication: string): SystemOptions => ({
  ...profilesOn('batch'),
  replication,
  rows: ROWS,
})

/** Two deployed DCs, and a connection of ours to each: rows are written in the source and arrive in the receiver. */
export class Replicated {
  readonly deployed: Deployed
  readonly source: Client
  readonly receiver: Client
  readonly receiverLogin: PostgresLogin
  readonly table: Table

  private constructor(deployed: Deployed, receiverLogin: PostgresLogin, source: Client, receiver: Client) {
    this.deployed = deployed
    this.receiverLogin = receiverLogin
    this.source = source
    this.receiver = receiver
    this.table = tableOf(deployed)
  }

  /** Deploys and loads in a folder of its own, so that two of them have room. */
  static async open(replication: string, order: ContestOrder, cleanup: AsyncDisposableStack): Promise<Replicated> {
    const deployed = await Deployed.open(
      replicatedBy(replication),
      { ...order, folder: join(order.folder, replication) },
      cleanup,
    )
    const receiver = loginTo(deployed, deployed.plan.dcs[1].name)
    const clients = [await connected(loginTo(deployed), cleanup), await connected(receiver, cleanup)] as const
    return new Replicated(deployed, receiver, ...clients)
  }

  /** What a loop that writes rows is told. */
  loopOrder(own: Pick<CdcLoopOrder, 'login' | 'session' | 'batchRows'> & { readonly into?: string }): CdcLoopOrder {
    const { workload, rows } = this.deployed
    return { ...own, rowsPerMs: BACKLOG_ROWS_PER_MS, workload: moduleExport(workload), rows }
  }

  /** A process that makes a backlog: upserts in the source, batched as geowrite's writers do. */
  backlogWriter(cleanup: AsyncDisposableStack): Promise<Side> {
    const { system, signal } = this.deployed
    const order = this.loopOrder({ login: loginTo(this.deployed), session: '', batchRows: system.batchRows })
    return startPeer(LOOP, 'writer of the backlog', order, signal, cleanup)
  }

  /** A process that applies rows by the bare statement to the receiver's table `into`, as many at once as cdc. */
  lastWriterWinsLoop(into: string, name: string, cleanup: AsyncDisposableStack): Promise<Side> {
    const { system, signal } = this.deployed
    const { apply_rows: batchRows, apply_synchronous_commit: commit } = system.settings
    const session = `-c synchronous_commit=${commit} -c plan_cache_mode=force_generic_plan`
    const order = this.loopOrder({ login: this.receiverLogin, session, batchRows: Number(batchRows), into })
    return startPeer(LOOP, name, order, signal, cleanup)
  }

  /** Resolves with the moment, in µs, in which every slot of the source is read. */
  streaming(): Promise<number> {
    return this.#until(this.source, 'SELECT bool_and(active) AS yes FROM pg_replication_slots', [])
  }

  /** Looks up what was written last in the source; the result resolves with the moment, in µs, in which all of it is visible in the receiver. */
  async tail(): Promise<() => Promise<number>> {
    const name = sqlName(this.table)
    const { rows } = await this.source.query<{ key: string; version: string }>(
      `SELECT key, version FROM (
         SELECT key, version, row_number() OVER (PARTITION BY version ORDER BY key) AS place FROM ${name}
          WHERE version > (SELECT max(version) - ${TAIL_US} FROM ${name})) AS tail
        WHERE place <= ${TAIL_ROWS}`,
    )
    const [keys, versions] = [rows.map(({ key }) => key), rows.map(({ version }) => version)]
    const arrived = `SELECT count(*) = cardinality($1::int8[]) AS yes
      FROM unnest($1::int8[], $2::int8[]) AS wanted (key, version) JOIN ${name} AS t USING (key) WHERE t.version >= wanted.version`
    return () => this.#until(this.receiver, arrived, [keys, versions])
  }

  /** Writes dirty pages out in both servers, so that each turn begins alike. */
  async checkpoint(): Promise<void> {
    await Promise.all([this.source, this.receiver].map((client) => client.query('CHECKPOINT')))
  }

  async #until(client: Client, text: string, values: unknown[]): Promise<number> {
    const giveUpAtUs = nowUs() + ARRIVED_WITHIN_MS * 1000
    for (;;) {
      const { rows } = await client.query<{ yes: boolean | null }>({ name: 'until', text, values })
      if (rows[0].yes === true) return nowUs()
      if (nowUs() > giveUpAtUs) {
        throw new BenchError(
          'STORE',
          `What was written in one DC did not arrive in the other within ${ARRIVED_WITHIN_MS / 1000} s: try again with a shorter --turn.`,
        )
      }
      await delay(LOOK_EVERY_MS, this.deployed.signal)
    }
  }
}
