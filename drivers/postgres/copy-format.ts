// Rows in COPY's binary format: as blocks for loading, and as whole protocol messages for the mode `copy`.
import type { RowBatch } from '../../bench/contract/table.ts'
import { putBytes, writeInt64, writeUint32 } from './array-parameter.ts'

/** Signature, flags, length of an extension: what every binary COPY starts with. */
export const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
export const COPY_TRAILER = Buffer.from([0xff, 0xff])

/** CopyData ('d') is its length and bytes; CopyDone is a length alone. */
const COPY_DATA = 0x64
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4])
const MESSAGE_HEADER_BYTES = 5
/** Rows a message: the server begins with the first while the next ones are made. */
const MESSAGE_ROWS = 128

/** Bytes of rows `first` to `end`: for each a count of columns (i16), then each column's length (i32) and bytes. */
function sizeOf({ columns }: RowBatch, numbers: number, first: number, end: number): number {
  let size = (end - first) * (2 + numbers * 12)
  for (const values of columns) {
    if (values.type === 'int') size += (end - first) * 8
    else for (let row = first; row < end; row++) size += 4 + values.lengths[row]
  }
  return size
}

function putInt64(into: Uint8Array, at: number, value: number): number {
  writeUint32(into, at, 8)
  writeInt64(into, at + 4, value)
  return at + 12
}

/** Puts rows `first` to `end` at `start`; returns the offset behind them. */
function putRows(into: Uint8Array, start: number, batch: RowBatch, first: number, end: number, dotsAgain: boolean) {
  const { columns, keys, dots, versions } = batch
  const count = columns.length + (dotsAgain ? 4 : 3)
  let at = start
  for (let row = first; row < end; row++) {
    into[at] = count >> 8
    into[at + 1] = count
    at = putInt64(into, at + 2, keys[row])
    at = putInt64(into, at, dots[row])
    at = putInt64(into, at, versions[row])
    for (let c = 0; c < columns.length; c++) {
      const values = columns[c]
      if (values.type === 'int') {
        writeUint32(into, at, 4)
        writeUint32(into, at + 4, values.values[row])
        at += 8
      } else {
        const length = values.lengths[row]
        writeUint32(into, at, length)
        at = putBytes(into, at + 4, values.pool, values.starts[row], length)
      }
    }
    if (dotsAgain) at = putInt64(into, at, dots[row])
  }
  return at
}

/** A block of rows. */
export function copyBlock(batch: RowBatch): Buffer {
  const bytes = Buffer.allocUnsafe(sizeOf(batch, 3, 0, batch.count))
  putRows(bytes, 0, batch, 0, batch.count, false)
  return bytes
}

/**
 * A whole COPY behind its statement, as messages to be sent one after another; a message is made when it is asked for. `dotsAgain`
 * puts the row's dot behind all else, as the writer's place in a version vector.
 */
export function* copyMessages(batch: RowBatch, dotsAgain: boolean): Generator<Buffer> {
  const { count } = batch
  for (let first = 0; first < count; first += MESSAGE_ROWS) {
    const end = Math.min(count, first + MESSAGE_ROWS)
    const before = first === 0 ? COPY_HEADER.length : 0
    const after = end === count ? COPY_TRAILER.length : 0
    const dataBytes = before + sizeOf(batch, dotsAgain ? 4 : 3, first, end) + after
    const message = Buffer.allocUnsafe(MESSAGE_HEADER_BYTES + dataBytes + (after > 0 ? COPY_DONE.length : 0))
    message[0] = COPY_DATA
    // A message's length counts itself.
    writeUint32(message, 1, 4 + dataBytes)
    if (before > 0) message.set(COPY_HEADER, MESSAGE_HEADER_BYTES)
    const at = putRows(message, MESSAGE_HEADER_BYTES + before, batch, first, end, dotsAgain)
    if (after > 0) {
      message.set(COPY_TRAILER, at)
      message.set(COPY_DONE, at + after)
    }
    yield message
  }
}
