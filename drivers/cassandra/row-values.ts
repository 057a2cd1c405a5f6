// Rows as the values of prepared statements, encoded here: the client takes a Buffer as it is.
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import { encodeContent, encodedLength } from '../../bench/lib/content.ts'
import type { CqlTable } from './cql-table.ts'

type Value = Buffer | null

export function int64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeInt32BE(Math.floor(value / 4294967296), 0)
  bytes.writeUInt32BE(value % 4294967296, 4)
  return bytes
}

export const readInt64 = (bytes: Buffer, offset: number): number =>
  bytes.readInt32BE(offset) * 4294967296 + bytes.readUInt32BE(offset + 4)

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value, 0)
  return bytes
}

/** Values of `IN ?`: a list of int64. */
function int64List(values: ArrayLike<number>): Buffer {
  const bytes = Buffer.allocUnsafe(4 + 12 * values.length)
  bytes.writeInt32BE(values.length, 0)
  for (let i = 0; i < values.length; i++) {
    bytes.writeInt32BE(8, 4 + 12 * i)
    bytes.writeInt32BE(Math.floor(values[i] / 4294967296), 8 + 12 * i)
    bytes.writeUInt32BE(values[i] % 4294967296, 12 + 12 * i)
  }
  return bytes
}

/** The number of the partition of a key; every key's own where rows share none. */
export const partitionOf = ({ partitionRows }: CqlTable, key: number): number => Math.floor(key / partitionRows)

/** The values of a key's columns. */
export const keyValues = (table: CqlTable, key: number): Buffer[] =>
  table.partitionRows === 1 ? [int64(key)] : [int64(partitionOf(table, key)), int64(key)]

/** Keys as what `readVersions` and `readRows` ask for: lists of partitions, each once, and of keys. */
export function keyLists(table: CqlTable, keys: Float64Array): Buffer[] {
  if (table.partitionRows === 1) return [int64List(keys)]
  const partitions = new Set(Array.from(keys, (key) => partitionOf(table, key)))
  return [int64List([...partitions]), int64List(keys)]
}

/** The stored columns of row `row` under `version`; a tombstone has none of its own. */
export function storedValues(table: CqlTable, batch: RowBatch, row: number, version: number): Value[] {
  const isTombstone = batch.operations[row] === OPERATION.delete
  if (table.cells === 'row') return [wholeRow(batch, row, version, isTombstone)]
  const values: Value[] = [int64(batch.dots[row]), int64(version)]
  for (const column of batch.columns) {
    if (isTombstone) values.push(null)
    else if (column.type === 'int') values.push(int32(column.values[row]))
    else {
      // No copy: the pool outlives the write.
      const { pool, starts, lengths } = column
      values.push(Buffer.from(pool.buffer as ArrayBuffer, pool.byteOffset + starts[row], lengths[row]))
    }
  }
  return values
}

function wholeRow(batch: RowBatch, row: number, version: number, isTombstone: boolean): Buffer {
  const bytes = Buffer.allocUnsafe(16 + (isTombstone ? 0 : encodedLength(batch.columns, row)))
  int64(batch.dots[row]).copy(bytes, 0)
  int64(version).copy(bytes, 8)
  if (!isTombstone) encodeContent(batch.columns, row, bytes, 16)
  return bytes
}

/** All values of an upsert: those of the key, stored columns, timestamp where writes carry one. */
export function insertValues(table: CqlTable, batch: RowBatch, row: number): Value[] {
  const version = batch.versions[row]
  const values = [...keyValues(table, batch.keys[row]), ...storedValues(table, batch, row, version)]
  const { timestampStepUs } = table
  if (timestampStepUs !== null) values.push(int64(Math.floor(version / timestampStepUs) * timestampStepUs))
  return values
}
