// A columnar batch of the harness as the parameters of one statement, without an object a row.
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import { ArrayParameter, TYPE, writeInt64 } from './array-parameter.ts'
import { sentColumns, type SqlTable } from './sql-table.ts'

/** Whether the batch holds a row of this operation. */
export function holds(batch: RowBatch, operation: number): boolean {
  for (let row = 0; row < batch.count; row++) if (batch.operations[row] === operation) return true
  return false
}

/** Encodes batches for `upsertBatch` and `incrementBatch`; its buffers are reused, so one statement at a time. */
export class BatchParameters {
  readonly #arrays: readonly ArrayParameter[]
  readonly #factors = new ArrayParameter(TYPE.int4)

  constructor(table: SqlTable) {
    this.#arrays = sentColumns(table).map(({ typeNumber }) => new ArrayParameter(typeNumber))
  }

  /** One binary array a column, valid until the next call. */
  encode(batch: RowBatch): Buffer[] {
    const [keys, dots, versions, ...own] = this.#arrays
    const { count } = batch
    for (let row = 0; row < count; row++) keys.addInt64(batch.keys[row])
    for (let row = 0; row < count; row++) dots.addInt64(batch.dots[row])
    for (let row = 0; row < count; row++) versions.addInt64(batch.versions[row])
    if (holds(batch, OPERATION.delete)) addWithTombstones(own, batch)
    else addWhole(own, batch)
    return this.#arrays.map((array) => array.take())
  }

  /** The same with the array of factors behind it: 1 for a row that is an increment. */
  encodeIncrements(batch: RowBatch): Buffer[] {
    for (let row = 0; row < batch.count; row++)
      this.#factors.addInt32(batch.operations[row] === OPERATION.increment ? 1 : 0)
    return [...this.encode(batch), this.#factors.take()]
  }
}

function addWhole(own: readonly ArrayParameter[], { columns, count }: RowBatch): void {
  columns.forEach((values, index) => {
    const array = own[index]
    if (values.type === 'int') for (let row = 0; row < count; row++) array.addInt32(values.values[row])
    else {
      const { pool, starts, lengths } = values
      for (let row = 0; row < count; row++) array.addBytes(pool, starts[row], lengths[row])
    }
  })
}

function addWithTombstones(own: readonly ArrayParameter[], { columns, count, operations }: RowBatch): void {
  columns.forEach((values, index) => {
    const array = own[index]
    for (let row = 0; row < count; row++) {
      if (operations[row] === OPERATION.delete) array.addNull()
      else if (values.type === 'int') array.addInt32(values.values[row])
      else array.addBytes(values.pool, values.starts[row], values.lengths[row])
    }
  })
}

/** One row as the binary parameters of `upsertRow` and `incrementRow`. */
export function rowParameters(batch: RowBatch, row: number): (Buffer | null)[] {
  const numbers = Buffer.allocUnsafe(24)
  writeInt64(numbers, 0, batch.keys[row])
  writeInt64(numbers, 8, batch.dots[row])
  writeInt64(numbers, 16, batch.versions[row])
  const parameters: (Buffer | null)[] = [numbers.subarray(0, 8), numbers.subarray(8, 16), numbers.subarray(16, 24)]
  const deleted = batch.operations[row] === OPERATION.delete
  for (const values of batch.columns) {
    if (deleted) parameters.push(null)
    else if (values.type === 'int') {
      const bytes = Buffer.allocUnsafe(4)
      bytes.writeInt32BE(values.values[row])
      parameters.push(bytes)
    } else {
      const { pool } = values
      parameters.push(Buffer.from(pool.buffer, pool.byteOffset + values.starts[row], values.lengths[row]))
    }
  }
  return parameters
}
