// One writer's or prober's client of its own DC.
import type { Client, types } from 'cassandra-driver'
import type { Endpoints, RowVersions, Session, SessionOptions } from '../../bench/contract/driver.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { connect, disconnect } from './connect.ts'
import { cqlTable, insertRow, readVersions, type CqlTable } from './cql-table.ts'
import { KeyOrder } from './key-order.ts'
import { readConsistency, REPLICATION, WRITE_CONSISTENCY } from './replications.ts'
import { insertValues, keyList, readInt64 } from './row-values.ts'
import { SerialWriter } from './serial-writer.ts'
import { readSettings } from './settings.ts'
import { outcomeOf } from './write-outcome.ts'

const longOf = (value: unknown): number => (value as types.Long).toNumber()

/** Keys that one statement asks for. */
const KEYS_PER_READ = 100

class CassandraSession implements Session {
  readonly #client: Client
  readonly #table: CqlTable
  readonly #serial: SerialWriter | undefined
  readonly #order: KeyOrder | undefined
  readonly #write: { readonly consistency: number; readonly text: string }
  readonly #read: { readonly consistency: number; readonly text: string }
  readonly #timeoutMs: number

  constructor(client: Client, dc: Dc, { plan, timeoutMs }: SessionOptions) {
    const table = cqlTable(plan)
    const isSerial = plan.replication === REPLICATION.serial
    this.#client = client
    this.#table = table
    this.#timeoutMs = timeoutMs
    this.#serial = isSerial ? new SerialWriter(client, table, dc) : undefined
    // A timestamp orders writes wherever they arrive; without one the first to come is the first.
    this.#order = isSerial || table.timestampStepUs === null ? new KeyOrder() : undefined
    this.#write = {
      consistency: WRITE_CONSISTENCY[plan.replication],
      text: insertRow(table, table.timestampStepUs !== null),
    }
    this.#read = {
      consistency: readConsistency(plan.replication, readSettings(plan.settings).rf),
      text: readVersions(table),
    }
  }

  async write(batch: RowBatch): Promise<WriteResult> {
    // The store adds to counters alone, which cannot stand beside a dot and a version.
    if (batch.operations.subarray(0, batch.count).includes(OPERATION.increment)) {
      return { outcome: OUTCOME.fail, error: 'increment' }
    }
    const { serial, order } = { serial: this.#serial, order: this.#order }
    const endMs = performance.now() + this.#timeoutMs
    if (serial !== undefined && order !== undefined) {
      return serial.write(batch, endMs, (key, task) => order.run([key], task))
    }
    const send = () => (batch.count === 1 ? this.#one(batch) : this.#many(batch))
    try {
      await (order === undefined ? send() : order.run([...batch.keys.subarray(0, batch.count)], send))
      return { outcome: OUTCOME.ok }
    } catch (error) {
      return outcomeOf(error)
    }
  }

  #one(batch: RowBatch): Promise<unknown> {
    const { text, consistency } = this.#write
    return this.#client.execute(text, insertValues(this.#table, batch, 0), { prepare: true, consistency })
  }

  #many(batch: RowBatch): Promise<unknown> {
    const { text, consistency } = this.#write
    const queries = Array.from({ length: batch.count }, (_, row) => ({
      query: text,
      params: insertValues(this.#table, batch, row),
    }))
    return this.#client.batch(queries, { prepare: true, logged: false, consistency })
  }

  async read(keys: Float64Array): Promise<RowVersions> {
    const dots = new Float64Array(keys.length)
    const versions = new Float64Array(keys.length)
    const places = new Map<number, number[]>()
    keys.forEach((key, i) => places.set(key, [...(places.get(key) ?? []), i]))
    const asked = Float64Array.from(places.keys())
    const parts = Array.from({ length: Math.ceil(asked.length / KEYS_PER_READ) }, (_, i) =>
      asked.subarray(i * KEYS_PER_READ, (i + 1) * KEYS_PER_READ),
    )
    const { text, consistency } = this.#read
    const isRow = this.#table.cells === 'row'
    await Promise.all(
      parts.map(async (part) => {
        const { rows } = await this.#client.execute(text, [keyList(part)], { prepare: true, consistency })
        for (const row of rows) {
          const dot = isRow ? readInt64(row.row as Buffer, 0) : longOf(row.dot)
          const version = isRow ? readInt64(row.row as Buffer, 8) : longOf(row.version)
          for (const place of places.get(longOf(row.key)) ?? []) {
            dots[place] = dot
            versions[place] = version
          }
        }
      }),
    )
    return { dots, versions }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disconnect(this.#client)
  }
}

/** Opens a session on the servers of `dc`. Rejects with STORE when none can be reached. */
export async function openSession(
  dc: Dc,
  seen: Endpoints,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  const copies = readSettings(options.plan.settings).rf
  const client = await connect(seen, { dc, copies, connections: 2, timeoutMs: options.timeoutMs }, signal)
  return new CassandraSession(client, dc, options)
}
