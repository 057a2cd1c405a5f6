// One writer's or prober's connection to the server of its own DC.
import type { Client } from 'pg'
import type { Address, RowVersions, Session, SessionOptions } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { OPERATION, OPERATION_NAMES, type RowBatch } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { ArrayParameter, TYPE } from './array-parameter.ts'
import { BatchParameters, holds, rowParameters } from './batch-parameters.ts'
import { codeOf, connect, type Connecting } from './connect.ts'
import { copyBlock, COPY_HEADER, COPY_TRAILER } from './copy-format.ts'
import { MODE } from './modes.ts'
import { SessionConnection, TIMEOUT } from './session-connection.ts'
import { sqlTable, type SqlTable } from './sql-table.ts'
import { copyRows, readVersions } from './statements.ts'
import { copiedResult, foundResult, raisedResult, rowResult } from './write-answers.ts'
import { incrementBatch, incrementRow, upsertBatch, upsertRow } from './write-statements.ts'

const OPENING_MS = 10_000
/** How often the server looks whether the client of a running statement is still there. */
const ORPHAN_CHECK_MS = 100

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

function refuseAllButInserts(batch: RowBatch): void {
  for (let row = 0; row < batch.count; row++) {
    const operation = batch.operations[row]
    if (operation === OPERATION.insert) continue
    const name = OPERATION_NAMES[operation] ?? `operation ${operation}`
    throw new BenchError(
      'STORE',
      `The postgres mode copy cannot ${name} rows: use another mode, or a workload that only inserts.`,
    )
  }
}

class PostgresSession implements Session {
  readonly #options: SessionOptions
  readonly #connection: SessionConnection
  readonly #parameters: BatchParameters
  readonly #asked = new ArrayParameter(TYPE.int8)
  readonly #copies: boolean
  readonly #table: SqlTable
  readonly #texts: Readonly<
    Record<'upsertBatch' | 'incrementBatch' | 'upsertRow' | 'incrementRow' | 'copy' | 'read', string>
  >

  constructor(connection: SessionConnection, dc: Dc, options: SessionOptions) {
    const table = sqlTable(options.plan)
    this.#table = table
    this.#connection = connection
    this.#options = options
    this.#copies = options.mode === MODE.copy
    this.#parameters = new BatchParameters(table)
    this.#texts = {
      upsertBatch: upsertBatch(table, dc.index),
      incrementBatch: incrementBatch(table, dc.index),
      upsertRow: upsertRow(table, dc.index),
      incrementRow: incrementRow(table, dc.index),
      copy: copyRows(table, dc.index),
      read: readVersions(table),
    }
  }

  async write(batch: RowBatch): Promise<WriteResult> {
    if (this.#copies) refuseAllButInserts(batch)
    const startedMs = performance.now()
    let client: Client
    try {
      client = await this.#connection.client()
    } catch (error) {
      if (error instanceof BenchError && error.code === 'BUG') throw error
      return { outcome: OUTCOME.fail, error: 'unreachable' }
    }
    try {
      // From here to the query's dispatch nothing is awaited: a pipeline's rows go out in the order in which they came.
      const leftMs = this.#options.timeoutMs - (performance.now() - startedMs)
      if (this.#copies) return await this.#copy(client, batch, leftMs)
      return await (batch.count === 1 ? this.#writeRow(client, batch, leftMs) : this.#writeBatch(client, batch, leftMs))
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** Increments need a statement of their own, where there is a counter to add to. */
  #adds(batch: RowBatch): boolean {
    return this.#table.counters.length > 0 && holds(batch, OPERATION.increment)
  }

  async #writeRow(client: Client, batch: RowBatch, leftMs: number): Promise<WriteResult> {
    const name = this.#adds(batch) ? 'incrementRow' : 'upsertRow'
    const statement = { name, text: this.#texts[name], values: rowParameters(batch, 0) }
    return rowResult(batch, await this.#connection.runRow(client, statement, leftMs))
  }

  async #writeBatch(client: Client, batch: RowBatch, leftMs: number): Promise<WriteResult> {
    const adds = this.#adds(batch)
    const name = adds ? 'incrementBatch' : 'upsertBatch'
    const values = adds ? this.#parameters.encodeIncrements(batch) : this.#parameters.encode(batch)
    const rows = await this.#connection.run(client, { name, text: this.#texts[name], values }, leftMs)
    return this.#table.vector.length === 0 ? raisedResult(batch, rows) : foundResult(batch, rows[0])
  }

  async #copy(client: Client, batch: RowBatch, leftMs: number): Promise<WriteResult> {
    const vectorDcs = this.#table.vector.length
    const chunks = [COPY_HEADER, copyBlock(batch, vectorDcs > 0), COPY_TRAILER]
    await this.#connection.copy(client, this.#texts.copy, chunks, leftMs)
    return copiedResult(batch, vectorDcs)
  }

  async read(keys: Float64Array): Promise<RowVersions> {
    const startedMs = performance.now()
    const client = await this.#connection.client()
    for (let i = 0; i < keys.length; i++) this.#asked.addInt64(keys[i])
    const statement = { name: 'read_versions', text: this.#texts.read, values: [this.#asked.take()] }
    const leftMs = this.#options.timeoutMs - (performance.now() - startedMs)
    const rows = await this.#connection.run(client, statement, leftMs)
    const found = new Map(rows.map((row) => [Number(row[0]), row]))
    const dots = new Float64Array(keys.length)
    const versions = new Float64Array(keys.length)
    const vectorDcs = this.#table.vector.length
    const seen = new Float64Array(keys.length * vectorDcs)
    for (let i = 0; i < keys.length; i++) {
      const row = found.get(keys[i])
      if (row === undefined) continue
      dots[i] = Number(row[1])
      versions[i] = Number(row[2])
      for (let dc = 0; dc < vectorDcs; dc++) seen[i * vectorDcs + dc] = Number(row[3 + dc])
    }
    return vectorDcs === 0 ? { dots, versions } : { dots, versions, seen }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close()
  }
}

/** Opens a session on the server of `dc`. Rejects with STORE when it cannot be reached within ten seconds. */
export async function openSession(
  dc: Dc,
  address: Address,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  const pipeline = options.mode === MODE.pipeline && options.purpose === 'write'
  // A statement that hangs ends when we do, so that a write that timed out here does not come true much later. In a
  // pipeline the server must miss us before that: it would go on with what it has received behind that statement.
  const statementMs = Math.ceil(options.timeoutMs) + (pipeline ? 5 * ORPHAN_CHECK_MS : 0)
  const connecting: Connecting = {
    address,
    secret: options.plan.secret,
    access: options.plan.external?.access[dc.name],
    application: `geowrite-${options.purpose}`,
    session: {
      statement_timeout: String(statementMs),
      client_connection_check_interval: String(ORPHAN_CHECK_MS),
      // Every statement looks rows up by key: the plan must not depend on what the table held when it was prepared.
      plan_cache_mode: 'force_generic_plan',
      enable_seqscan: 'off',
    },
    pipeline,
    patienceMs: OPENING_MS,
    attemptMs: OPENING_MS,
  }
  const client = await connect(connecting, signal)
  return new PostgresSession(new SessionConnection(client, connecting, options.timeoutMs), dc, options)
}
