// A columnar batch of the harness as the parameters of one statement, without an object a row.
import type { RowBatch, Table } from '../../bench/contract/table.ts'
import { ArrayParameter, writeInt64 } from './array-parameter.ts'
import { sqlColumns } from './statements.ts'

/** Encodes batches for `upsertBatch`; its buffers are reused, so one statement at a time. */
export class BatchParameters {
  readonly #arrays: readonly ArrayParameter[]

  constructor(table: Table) {
    this.#arrays = sqlColumns(table).map(({ typeNumber }) => new ArrayParameter(typeNumber))
  }

  /** One binary array a column, valid until the next call. */
  encode(batch: RowBatch): Buffer[] {
    const [keys, dots, versions, ...own] = this.#arrays
    const { count, columns } = batch
    for (let row = 0; row < count; row++) keys.addInt64(batch.keys[row])
    for (let row = 0; row < count; row++) dots.addInt64(batch.dots[row])
    for (let row = 0; row < count; row++) versions.addInt64(batch.versions[row])
    columns.forEach((values, index) => {
      const array = own[index]
      if (values.type === 'int') for (let row = 0; row < count; row++) array.addInt32(values.values[row])
      else {
        const { pool, starts, lengths } = values
        for (let row = 0; row < count; row++) array.addBytes(pool, starts[row], lengths[row])
      }
    })
    return this.#arrays.map((array) => array.take())
  }
}

/** One row as the binary parameters of `upsertRow`. */
export function rowParameters(batch: RowBatch, row: number): Buffer[] {
  const numbers = Buffer.allocUnsafe(24)
  writeInt64(numbers, 0, batch.keys[row])
  writeInt64(numbers, 8, batch.dots[row])
  writeInt64(numbers, 16, batch.versions[row])
  const parameters: Buffer[] = [numbers.subarray(0, 8), numbers.subarray(8, 16), numbers.subarray(16, 24)]
  for (const values of batch.columns) {
    if (values.type === 'int') {
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
