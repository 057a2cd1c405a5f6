// One writer's or prober's client of its own DC.
import type { Client, QueryOptions, types } from 'cassandra-driver'
import type { Endpoints, RowVersions, Session, SessionOptions } from '../../bench/contract/driver.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { connect, disconnect } from './connect.ts'
import { cqlTable, insertRow, readVersions, type CqlTable } from './cql-table.ts'
import { KeyOrder } from './key-order.ts'
import { MODE } from './modes.ts'
import { forEachSpan, partitionSpans, resultOf, type RowSpan } from './partition-batches.ts'
import { readConsistency, REPLICATION, WRITE_CONSISTENCY } from './replications.ts'
import { insertValues, keyLists, partitionOf, readInt64 } from './row-values.ts'
import { SerialWriter } from './serial-writer.ts'
import { readSettings } from './settings.ts'
import { outcomeOf } from './write-outcome.ts'

const ACKNOWLEDGED: WriteResult = { outcome: OUTCOME.ok }

const longOf = (value: unknown): number => (value as types.Long).toNumber()

/** Keys that one statement asks for. */
const KEYS_PER_READ = 100
/** Partitions of one batch that are written at once (mode partition-batch). */
const PARTITIONS_AT_ONCE = 16

class CassandraSession implements Session {
  readonly #client: Client
  readonly #table: CqlTable
  readonly #serial: SerialWriter | undefined
  readonly #order: KeyOrder | undefined
  readonly #byPartition: boolean
  readonly #write: { readonly text: string; readonly options: QueryOptions }
  readonly #read: { readonly consistency: number; readonly text: string }
  readonly #timeoutMs: number

  constructor(client: Client, dc: Dc, { plan, mode, timeoutMs }: SessionOptions) {
    const table = cqlTable(plan)
    const isSerial = plan.replication === REPLICATION.serial
    this.#client = client
    this.#table = table
    this.#timeoutMs = timeoutMs
    this.#byPartition = mode === MODE.partitionBatch
    this.#serial = isSerial ? new SerialWriter(client, table, dc) : undefined
    // A timestamp orders writes wherever they arrive; without one the first to come is the first.
    this.#order = isSerial || table.timestampStepUs === null ? new KeyOrder() : undefined
    this.#write = {
      options: { prepare: true, logged: false, consistency: WRITE_CONSISTENCY[plan.replication] },
      text: insertRow(table, table.timestampStepUs !== null),
    }
    this.#read = {
      consistency: readConsistency(plan.replication, readSettings(plan.settings).rf),
      text: readVersions(table),
    }
  }

  write(batch: RowBatch): Promise<WriteResult> {
    // The store adds to counters alone, which cannot stand beside a dot and a version.
    const at = batch.operations.indexOf(OPERATION.increment)
    if (at >= 0 && at < batch.count) return Promise.resolve({ outcome: OUTCOME.fail, error: 'increment' })
    const endMs = performance.now() + this.#timeoutMs
    const serial = this.#serial
    if (serial !== undefined) {
      // Transactions of one partition contend, whatever their rows.
      const place = (key: number) => partitionOf(this.#table, key)
      return serial.write(batch, endMs, (key, task) => this.#inOrder(place(key), task))
    }
    const whole = { from: 0, to: batch.count }
    if (!this.#byPartition)
      return this.#order === undefined ? this.#writeNow(batch, whole) : this.#writeSpan(batch, whole, endMs)
    return this.#writePartitions(batch, endMs)
  }

  async #writePartitions(batch: RowBatch, endMs: number): Promise<WriteResult> {
    const spans = partitionSpans(this.#table, batch)
    return resultOf(spans, await forEachSpan(spans, PARTITIONS_AT_ONCE, (span) => this.#writeSpan(batch, span, endMs)))
  }

  #inOrder<R>(key: number, task: () => Promise<R>): Promise<R> {
    return this.#order === undefined ? task() : this.#order.run([key], task)
  }

  /** Nothing to wait for before it is sent: the shortest way, as rates are measured on it. */
  async #writeNow(batch: RowBatch, span: RowSpan): Promise<WriteResult> {
    try {
      await this.#send(batch, span)
      return ACKNOWLEDGED
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** Writes some rows of a batch as one statement or one unlogged batch, once; a write that has not ended at `endMs` is unknown. */
  async #writeSpan(batch: RowBatch, span: RowSpan, endMs: number): Promise<WriteResult> {
    try {
      if (this.#order === undefined) return await this.#sendInTime(batch, span, endMs)
      const keys = [...batch.keys.subarray(span.from, span.to)]
      return await this.#order.run(keys, () => this.#sendInTime(batch, span, endMs))
    } catch (error) {
      return outcomeOf(error)
    }
  }

  async #sendInTime(batch: RowBatch, span: RowSpan, endMs: number): Promise<WriteResult> {
    const leftMs = Math.floor(endMs - performance.now())
    // It has waited for others all the time, and was never sent.
    if (leftMs <= 0) return { outcome: OUTCOME.fail, error: 'not_sent' }
    await this.#send(batch, span, leftMs)
    return ACKNOWLEDGED
  }

  /** The client sends it to a replica of the first row's partition. `readTimeout` absent: all the time that a write may take. */
  #send(batch: RowBatch, { from, to }: RowSpan, readTimeout?: number): Promise<unknown> {
    const { text } = this.#write
    const options = readTimeout === undefined ? this.#write.options : { ...this.#write.options, readTimeout }
    if (to - from === 1) return this.#client.execute(text, insertValues(this.#table, batch, from), options)
    const queries = Array.from({ length: to - from }, (_, i) => ({
      query: text,
      params: insertValues(this.#table, batch, from + i),
    }))
    return this.#client.batch(queries, options)
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
        const { rows } = await this.#client.execute(text, keyLists(this.#table, part), { prepare: true, consistency })
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
