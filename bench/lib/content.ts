// A row's content as a pure function of (seed, dot), so that whatever a store holds can be checked byte for byte.
import type { Column, ColumnValues, RowBatch } from '../contract/table.ts'
import { hashNumber, mix32, randomStream } from './random.ts'

const POOL_BYTES = 1 << 20
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ-'

/** Makes the columns of rows; text values point into one pool of random ASCII made from the seed. */
export class ContentMaker {
  readonly #columns: readonly Column[]
  readonly #seed: number
  readonly #pool: Uint8Array
  /** By column: how many values it can have, or lengths; where its texts may start. Typed, so that remainders stay whole numbers. */
  readonly #ranges: Uint32Array
  readonly #leasts: Int32Array
  readonly #startRanges: Uint32Array
  /** Places of the counter columns. */
  readonly counters: readonly number[]

  constructor(columns: readonly Column[], seed: number) {
    this.#columns = columns
    this.counters = columns.flatMap((column, place) =>
      column.type === 'int' && column.counter === true ? [place] : [],
    )
    this.#seed = seed
    this.#ranges = Uint32Array.from(columns, (column) =>
      column.type === 'int' ? column.max - column.min + 1 : column.maxBytes - column.minBytes + 1,
    )
    this.#leasts = Int32Array.from(columns, (column) => (column.type === 'int' ? column.min : column.minBytes))
    this.#startRanges = Uint32Array.from(columns, (column) =>
      column.type === 'int' ? 1 : POOL_BYTES - column.maxBytes,
    )
    this.#pool = new Uint8Array(POOL_BYTES)
    const random = randomStream(seed, 0x504f4f4c)
    for (let i = 0; i < POOL_BYTES; i++) this.#pool[i] = ALPHABET.charCodeAt(random.uint32() & 63)
  }

  /** Column arrays for batches of up to `rows` rows, to be filled by `fill`. */
  allocate(rows: number): ColumnValues[] {
    return this.#columns.map((column): ColumnValues =>
      column.type === 'int'
        ? { type: 'int', values: new Int32Array(rows) }
        : { type: 'text', pool: this.#pool, starts: new Uint32Array(rows), lengths: new Uint16Array(rows) },
    )
  }

  /** Writes the content of `dot` into place `row` of `columns`. */
  fill(columns: readonly ColumnValues[], row: number, dot: number): void {
    const hash = hashNumber(dot, this.#seed)
    for (let c = 0; c < columns.length; c++) {
      const values = columns[c]
      const first = mix32(hash + Math.imul(c + 1, 0x9e3779b9))
      const range = this.#ranges[c]
      // All of 32 bits are one more than the array holds.
      const drawn = this.#leasts[c] + (range === 0 ? first : first % range)
      if (values.type === 'int') values.values[row] = drawn
      else {
        values.lengths[row] = drawn
        values.starts[row] = mix32(first ^ 0x51ed270b) % this.#startRanges[c]
      }
    }
  }

  /** The canonical encoding of what a write with this dot stored. */
  expected(dot: number): Uint8Array {
    const columns = this.allocate(1)
    this.fill(columns, 0, dot)
    const bytes = new Uint8Array(encodedLength(columns, 0))
    encodeContent(columns, 0, bytes, 0)
    return bytes
  }

  /** Whether `bytes` encode what a write with this dot stored; what counters hold is a sum, and so no matter of the dot. */
  matches(dot: number, bytes: Uint8Array): boolean {
    const expected = this.expected(dot)
    if (bytes.length !== expected.length) return false
    for (const at of this.#counterOffsets(expected)) expected.set(bytes.subarray(at, at + 4), at)
    return expected.every((byte, i) => byte === bytes[i])
  }

  /** The sum of the counters in an encoded row; NaN where it is cut short. */
  counted(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let sum = 0
    for (const at of this.#counterOffsets(bytes)) sum += at + 4 <= bytes.length ? view.getInt32(at, true) : Number.NaN
    return sum
  }

  #counterOffsets(bytes: Uint8Array): number[] {
    if (this.counters.length === 0) return []
    const offsets: number[] = []
    let at = 0
    for (const column of this.#columns) {
      if (column.type === 'int' && column.counter === true) offsets.push(at)
      at += column.type === 'int' ? 4 : 2 + (bytes[at] | (bytes[at + 1] << 8))
    }
    return offsets
  }
}

/** Bytes of `encodeContent` for one row. */
export function encodedLength(columns: readonly ColumnValues[], row: number): number {
  let bytes = 0
  for (const column of columns) bytes += column.type === 'int' ? 4 : 2 + column.lengths[row]
  return bytes
}

/**
 * The canonical encoding of a row's own columns, in the table's order: an int as 4 bytes, a text as a 2-byte length and
 * its bytes; little-endian. Returns the offset after it.
 */
export function encodeContent(columns: RowBatch['columns'], row: number, into: Uint8Array, offset: number): number {
  let at = offset
  for (const column of columns) {
    if (column.type === 'int') {
      const value = column.values[row]
      into[at++] = value & 255
      into[at++] = (value >> 8) & 255
      into[at++] = (value >> 16) & 255
      into[at++] = (value >> 24) & 255
    } else {
      const length = column.lengths[row]
      const start = column.starts[row]
      into[at++] = length & 255
      into[at++] = length >> 8
      const { pool } = column
      for (let i = 0; i < length; i++) into[at + i] = pool[start + i]
      at += length
    }
  }
  return at
}
