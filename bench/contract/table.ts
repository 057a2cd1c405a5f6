// The table under test and the columnar batches in which its rows travel.

/**
 * One of the workload's own columns. The harness adds `key`, `dot` and `version` to every table.
 * `text` is ASCII with a length drawn from [minBytes, maxBytes]; `int` is a 32-bit signed integer in [min, max].
 * A `counter` is an int that `increment` adds to: what a row holds in it is a sum, and no function of the row's dot.
 */
export type Column =
  | { readonly name: string; readonly type: 'text'; readonly minBytes: number; readonly maxBytes: number }
  | { readonly name: string; readonly type: 'int'; readonly min: number; readonly max: number; readonly counter?: true }

export interface Table {
  readonly name: string
  /** Rows loaded before the run: keys 0 … rows − 1. */
  readonly rows: number
  readonly columns: readonly Column[]
}

/**
 * What is asked for one row, as kept in `RowBatch.operations` and in the ledger. Each makes the row's dot and version the write's own.
 * `upsert` sets every column; `insert` is an upsert of a row that is not there; `increment` adds the values of counter columns to
 * those of the row (0 where there is none) and sets the others; `delete` leaves a tombstone: key, dot and version without content,
 * replicated and compared by version like any write.
 */
export const OPERATION = { upsert: 1, insert: 2, increment: 3, delete: 4 } as const
export const OPERATION_NAMES: Readonly<Record<number, string>> = {
  1: 'upsert',
  2: 'insert',
  3: 'increment',
  4: 'delete',
}

/** Text values by reference: value i is `pool[starts[i] … starts[i] + lengths[i])`, ASCII. Nothing is copied until a driver encodes. */
export interface TextValues {
  readonly type: 'text'
  readonly pool: Uint8Array
  readonly starts: Uint32Array
  readonly lengths: Uint16Array
}

export interface IntValues {
  readonly type: 'int'
  readonly values: Int32Array
}

export type ColumnValues = TextValues | IntValues

/**
 * Rows for one session, in columns; only the first `count` entries of each array count.
 * Sorted by key, each key once. The arrays belong to the caller and are valid until the write's promise settles.
 */
export interface RowBatch {
  readonly count: number
  readonly keys: Float64Array
  readonly dots: Float64Array
  readonly versions: Float64Array
  readonly operations: Uint8Array
  /** One entry a workload column, in the table's order. */
  readonly columns: readonly ColumnValues[]
  /** The batch must be one transaction. */
  readonly atomic: boolean
}

/** The size of a row's key and values in bytes: what the user asked to store, without the harness's columns; of a delete, the key's. */
export function logicalBytes(batch: RowBatch, row: number): number {
  let bytes = 8
  if (batch.operations[row] === OPERATION.delete) return bytes
  for (const column of batch.columns) bytes += column.type === 'int' ? 4 : column.lengths[row]
  return bytes
}
