// Writes as lightweight transactions: each is compared with the row that is there, and raised above it where it is not newer.
import { types, type Client } from 'cassandra-driver'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { nextVersion } from '../../bench/lib/dot.ts'
import { insertIfAbsent, updateIfOlder, type CqlTable } from './cql-table.ts'
import { REPLICATION, WRITE_CONSISTENCY } from './replications.ts'
import { int64, keyValues, storedValues } from './row-values.ts'
import { serialOutcomeOf } from './write-outcome.ts'

const OPTIONS = {
  prepare: true,
  consistency: WRITE_CONSISTENCY[REPLICATION.serial],
  serialConsistency: types.consistencies.serial,
}

/** Runs a task after the earlier ones of its key. */
type InOrder = <R>(key: number, task: () => Promise<R>) => Promise<R>

interface RowResult extends Pick<WriteResult, 'outcome' | 'error'> {
  /** The version that was stored where it is not the one asked for. */
  readonly raised?: number
}

export class SerialWriter {
  readonly #client: Client
  readonly #table: CqlTable
  readonly #dc: Dc
  readonly #texts: { readonly update: string; readonly insert: string }

  constructor(client: Client, table: CqlTable, dc: Dc) {
    this.#client = client
    this.#table = table
    this.#dc = dc
    this.#texts = { update: updateIfOlder(table), insert: insertIfAbsent(table) }
  }

  /** Every row for itself; a transaction that has not ended at `endMs` is unknown. */
  async write(batch: RowBatch, endMs: number, inOrder: InOrder): Promise<WriteResult> {
    const results = await Promise.all(
      Array.from({ length: batch.count }, (_, row) => inOrder(batch.keys[row], () => this.#row(batch, row, endMs))),
    )
    const [first] = results
    const error = results.find((result) => result.error !== undefined)?.error
    const raised = results.some((result) => result.raised !== undefined)
    return {
      outcome: results.every(({ outcome }) => outcome === first.outcome) ? first.outcome : OUTCOME.info,
      ...(results.length === 1 ? {} : { rowOutcomes: Uint8Array.from(results, ({ outcome }) => outcome) }),
      ...(error === undefined ? {} : { error }),
      ...(raised ? { storedVersions: Float64Array.from(results, (result) => result.raised ?? 0) } : {}),
    }
  }

  async #row(batch: RowBatch, row: number, endMs: number): Promise<RowResult> {
    const asked = batch.versions[row]
    let version = asked
    let isNew = batch.operations[row] === OPERATION.insert
    try {
      for (;;) {
        const leftMs = endMs - performance.now()
        // Nothing that was sent has been applied: each attempt said so.
        if (leftMs <= 0) return { outcome: OUTCOME.fail, error: 'contention' }
        const found = await (isNew
          ? this.#insert(batch, row, version, leftMs)
          : this.#update(batch, row, version, leftMs))
        if (found.applied) return { outcome: OUTCOME.ok, ...(version === asked ? {} : { raised: version }) }
        isNew = found.version === undefined
        if (found.version !== undefined && found.version >= version)
          version = nextVersion(found.version, this.#dc.index)
      }
    } catch (error) {
      return serialOutcomeOf(error)
    }
  }

  async #insert(batch: RowBatch, row: number, version: number, readTimeout: number) {
    const values = [...keyValues(this.#table, batch.keys[row]), ...storedValues(this.#table, batch, row, version)]
    return answerOf(await this.#client.execute(this.#texts.insert, values, { ...OPTIONS, readTimeout }))
  }

  async #update(batch: RowBatch, row: number, version: number, readTimeout: number) {
    const values = [
      ...storedValues(this.#table, batch, row, version),
      ...keyValues(this.#table, batch.keys[row]),
      int64(version),
    ]
    return answerOf(await this.#client.execute(this.#texts.update, values, { ...OPTIONS, readTimeout }))
  }
}

/** Whether the transaction was applied, and if not, the version that it found; none where there is no row. */
function answerOf(result: types.ResultSet): { readonly applied: boolean; readonly version: number | undefined } {
  const row = result.first()
  const version = (row as unknown as { readonly version?: types.Long | null }).version
  return {
    applied: result.wasApplied(),
    version: version === null || version === undefined ? undefined : version.toNumber(),
  }
}
