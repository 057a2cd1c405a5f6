// Rows in COPY's binary format, for loading and for the mode `copy`.
import type { RowBatch } from '../../bench/contract/table.ts'
import { writeInt64 } from './array-parameter.ts'

/** Signature, flags, length of an extension: what every binary COPY starts with. */
export const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
export const COPY_TRAILER = Buffer.from([0xff, 0xff])

/**
 * A block of rows: for each row a count of columns (i16), then each column's length (i32) and bytes. `dotsAgain` puts the
 * row's dot behind all else, as the writer's place in a version vector.
 */
export function copyBlock(batch: RowBatch, dotsAgain = false): Buffer {
  const { count, columns } = batch
  const numbers = dotsAgain ? 4 : 3
  let size = 0
  for (let row = 0; row < count; row++) {
    size += 2 + numbers * 12
    for (const values of columns) size += 4 + (values.type === 'int' ? 4 : values.lengths[row])
  }
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (let row = 0; row < count; row++) {
    at = bytes.writeInt16BE(numbers + columns.length, at)
    for (const values of [batch.keys, batch.dots, batch.versions]) {
      bytes.writeInt32BE(8, at)
      writeInt64(bytes, at + 4, values[row])
      at += 12
    }
    for (const values of columns) {
      if (values.type === 'int') {
        at = bytes.writeInt32BE(4, at)
        at = bytes.writeInt32BE(values.values[row], at)
      } else {
        const start = values.starts[row]
        at = bytes.writeInt32BE(values.lengths[row], at)
        bytes.set(values.pool.subarray(start, start + values.lengths[row]), at)
        at += values.lengths[row]
      }
    }
    if (dotsAgain) {
      bytes.writeInt32BE(8, at)
      writeInt64(bytes, at + 4, batch.dots[row])
      at += 12
    }
  }
  return bytes
}
