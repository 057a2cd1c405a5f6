// One writer's or prober's connection to the server of its own DC.
import type { Client } from 'pg'
import type { Address, RowVersions, Session, SessionOptions } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { OPERATION, OPERATION_NAMES, type RowBatch } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { ArrayParameter, TYPE } from './array-parameter.ts'
import { BatchParameters, rowParameters } from './batch-parameters.ts'
import { codeOf, connect, disconnect, type Connecting } from './connect.ts'
import { readVersions, upsertBatch, upsertRow } from './statements.ts'

const OPENING_MS = 10_000
const TIMEOUT = 'timeout'

/** A named statement with its parameters: prepared on first use, in each connection once. */
interface Statement {
  readonly name: string
  readonly text: string
  readonly values: Buffer[]
}

/**
 * What an error says of the write. A server that reports an error has rolled back; one that is ending, or a connection
 * that is lost, leaves the commit unknown.
 */
function outcomeOf(error: unknown): WriteResult {
  const code = codeOf(error)
  const severity = (error as { severity?: string } | undefined)?.severity
  if (messageOf(error) === TIMEOUT) return { outcome: OUTCOME.info, error: TIMEOUT }
  const rolledBack = severity === 'ERROR' && code !== '40003' && !code.startsWith('08')
  if (rolledBack) return { outcome: OUTCOME.fail, error: code === '57014' ? TIMEOUT : `sqlstate_${code}` }
  return { outcome: OUTCOME.info, error: severity === undefined ? 'connection_lost' : `sqlstate_${code}` }
}

class PostgresSession implements Session {
  readonly #options: SessionOptions
  readonly #connecting: Connecting
  readonly #parameters: BatchParameters
  readonly #asked = new ArrayParameter(TYPE.int8)
  readonly #texts: { readonly batch: string; readonly row: string; readonly read: string }
  #client: Client | undefined
  #closed = false

  constructor(client: Client, connecting: Connecting, dc: Dc, options: SessionOptions) {
    const { table } = options.plan
    this.#connecting = connecting
    this.#options = options
    this.#parameters = new BatchParameters(table)
    this.#texts = {
      batch: upsertBatch(table, dc.index),
      row: upsertRow(table, dc.index),
      read: readVersions(table),
    }
    this.#adopt(client)
  }

  #adopt(client: Client): void {
    this.#client = client
    client.on('end', () => {
      if (this.#client === client) this.#client = undefined
    })
  }

  #drop(): void {
    const client = this.#client
    this.#client = undefined
    client?.connection.stream.destroy()
  }

  /** The open connection, or a new one after a loss: tried once, within the time that the operation has. */
  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    if (this.#closed) throw new BenchError('BUG', 'A Postgres session was used after it was closed.')
    this.#adopt(await connect({ ...this.#connecting, patienceMs: 0, attemptMs: this.#options.timeoutMs }))
    return this.#client as unknown as Client
  }

  /** Runs a statement for at most `timeoutMs`; after that the connection is given up, since its next answer is not ours. */
  #run(client: Client, statement: Statement, timeoutMs: number): Promise<string[][]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#drop()
          reject(new Error(TIMEOUT))
        },
        Math.max(1, timeoutMs),
      )
      client.query<string[]>({ ...statement, rowMode: 'array' }, (error: Error | null, result) => {
        clearTimeout(timer)
        if (error === null) resolve(result.rows)
        else reject(error)
      })
    })
  }

  async write(batch: RowBatch): Promise<WriteResult> {
    for (let row = 0; row < batch.count; row++) {
      const operation = batch.operations[row]
      if (operation !== OPERATION.upsert && operation !== OPERATION.insert) {
        const name = OPERATION_NAMES[operation] ?? `operation ${operation}`
        throw new BenchError(
          'STORE',
          `The postgres driver cannot ${name} rows: use a workload that upserts or inserts.`,
        )
      }
    }
    const startedMs = performance.now()
    let client: Client
    try {
      client = await this.#connected()
    } catch (error) {
      if (error instanceof BenchError && error.code === 'BUG') throw error
      return { outcome: OUTCOME.fail, error: 'unreachable' }
    }
    try {
      const leftMs = this.#options.timeoutMs - (performance.now() - startedMs)
      return batch.count === 1
        ? await this.#writeRow(client, batch, leftMs)
        : await this.#writeBatch(client, batch, leftMs)
    } catch (error) {
      return outcomeOf(error)
    }
  }

  async #writeRow(client: Client, batch: RowBatch, leftMs: number): Promise<WriteResult> {
    const values = rowParameters(batch, 0)
    const [[version]] = await this.#run(client, { name: 'upsert_row', text: this.#texts.row, values }, leftMs)
    const stored = Number(version)
    if (stored === batch.versions[0]) return { outcome: OUTCOME.ok }
    return { outcome: OUTCOME.ok, storedVersions: Float64Array.of(stored) }
  }

  async #writeBatch(client: Client, batch: RowBatch, leftMs: number): Promise<WriteResult> {
    const values = this.#parameters.encode(batch)
    const raised = await this.#run(client, { name: 'upsert_batch', text: this.#texts.batch, values }, leftMs)
    if (raised.length === 0) return { outcome: OUTCOME.ok }
    const versionOf = new Map(raised.map(([key, version]) => [Number(key), Number(version)]))
    const storedVersions = new Float64Array(batch.count)
    for (let row = 0; row < batch.count; row++) storedVersions[row] = versionOf.get(batch.keys[row]) ?? 0
    return { outcome: OUTCOME.ok, storedVersions }
  }

  async read(keys: Float64Array): Promise<RowVersions> {
    const startedMs = performance.now()
    const client = await this.#connected()
    for (let i = 0; i < keys.length; i++) this.#asked.addInt64(keys[i])
    const values = [this.#asked.take()]
    const leftMs = this.#options.timeoutMs - (performance.now() - startedMs)
    const rows = await this.#run(client, { name: 'read_versions', text: this.#texts.read, values }, leftMs)
    const found = new Map(rows.map((row) => [Number(row[0]), row]))
    const dots = new Float64Array(keys.length)
    const versions = new Float64Array(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const row = found.get(keys[i])
      if (row === undefined) continue
      dots[i] = Number(row[1])
      versions[i] = Number(row[2])
    }
    return { dots, versions }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const client = this.#client
    this.#client = undefined
    if (client !== undefined) await disconnect(client)
  }
}

/** Opens a session on the server of `dc`. Rejects with STORE when it cannot be reached within ten seconds. */
export async function openSession(
  dc: Dc,
  address: Address,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  const connecting: Connecting = {
    address,
    secret: options.plan.secret,
    application: `geowrite-${options.purpose}`,
    session: {
      // The server gives up when we do, so that a write that timed out here does not come true much later.
      statement_timeout: String(Math.ceil(options.timeoutMs)),
      // Every statement looks rows up by key: the plan must not depend on what the table held when it was prepared.
      plan_cache_mode: 'force_generic_plan',
      enable_seqscan: 'off',
    },
    patienceMs: OPENING_MS,
    attemptMs: OPENING_MS,
  }
  return new PostgresSession(await connect(connecting, signal), connecting, dc, options)
}
