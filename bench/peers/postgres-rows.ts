// Rows made beforehand in the forms in which Postgres takes them: arrays, COPY's binary format.
import type { ColumnValues } from '../contract/table.ts'
import type { MadeRows } from './made-rows.ts'

const ARRAY_HEADER_BYTES = 20
const TYPE = { int8: 20, int4: 23, text: 25 } as const

/** Length and bytes of one value at `at`; returns where the next one goes. */
function putInt64(into: Buffer, at: number, value: number): number {
  into.writeInt32BE(8, at)
  into.writeBigInt64BE(BigInt(value), at + 4)
  return at + 12
}

function putOwn(into: Buffer, at: number, column: ColumnValues, row: number): number {
  if (column.type === 'int') {
    into.writeInt32BE(4, at)
    into.writeInt32BE(column.values[row], at + 4)
    return at + 8
  }
  const [start, length] = [column.starts[row], column.lengths[row]]
  into.writeInt32BE(length, at)
  into.set(column.pool.subarray(start, start + length), at + 4)
  return at + 4 + length
}

const ownBytes = (column: ColumnValues, row: number): number => 4 + (column.type === 'int' ? 4 : column.lengths[row])

function arrayOf(type: number, count: number, bytes: number): Buffer {
  const array = Buffer.alloc(ARRAY_HEADER_BYTES + bytes)
  for (const [place, word] of [1, 0, type, count, 1].entries()) array.writeInt32BE(word, 4 * place)
  return array
}

/** Rows `first` to `end` as one binary array a column, all with the version 0. */
export function arraysOf({ keys, dots, columns }: MadeRows, first: number, end: number): Buffer[] {
  const count = end - first
  const numbers = [keys.subarray(first, end), dots.subarray(first, end), new Float64Array(count)].map((values) => {
    const array = arrayOf(TYPE.int8, count, 12 * count)
    values.forEach((value, i) => putInt64(array, ARRAY_HEADER_BYTES + 12 * i, value))
    return array
  })
  const own = columns.map((column) => {
    let bytes = 0
    for (let row = first; row < end; row++) bytes += ownBytes(column, row)
    const array = arrayOf(column.type === 'int' ? TYPE.int4 : TYPE.text, count, bytes)
    let at = ARRAY_HEADER_BYTES
    for (let row = first; row < end; row++) at = putOwn(array, at, column, row)
    return array
  })
  return [...numbers, ...own]
}

/** Gives all values of an array of 64-bit numbers the same value: a batch's version. */
export function fillInt64(array: Buffer, value: number): void {
  const [high, low] = [Math.floor(value / 2 ** 32), value % 2 ** 32]
  for (let at = ARRAY_HEADER_BYTES + 4; at < array.length; at += 12) {
    array.writeUInt32BE(high, at)
    array.writeUInt32BE(low, at + 4)
  }
}

export const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
export const COPY_TRAILER = Buffer.from([0xff, 0xff])

/** Rows `first` to `end` as tuples of COPY's binary format. */
export function tuplesOf({ keys, dots, columns }: MadeRows, first: number, end: number, version: number): Buffer {
  let bytes = 0
  for (let row = first; row < end; row++) {
    bytes += 2 + 3 * 12
    for (const column of columns) bytes += ownBytes(column, row)
  }
  const tuples = Buffer.allocUnsafe(bytes)
  let at = 0
  for (let row = first; row < end; row++) {
    at = tuples.writeInt16BE(3 + columns.length, at)
    for (const value of [keys[row], dots[row], version]) at = putInt64(tuples, at, value)
    for (const column of columns) at = putOwn(tuples, at, column, row)
  }
  return tuples
}
