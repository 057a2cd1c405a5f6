// A row's content as a pure function of (seed, dot), so that whatever a store holds can be checked byte for byte.
import type { Column, ColumnValues, RowBatch } from '../contract/table.ts'
import { hashNumber, mix32, randomStream } from './random.ts'

const POOL_BYTES = 1 << 20
const TWO_32 = 4294967296
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ-'

/** Makes the columns of rows; text values point into one pool of random ASCII made from the seed. */
export class ContentMaker {
  readonly #columns: readonly Column[]
  readonly #seed: number
  readonly #pool: Uint8Array
  /** By column: what turns 32 random bits into one of its values or lengths, above the least, and into a place where a text starts. */
  readonly #scales: Float64Array
  readonly #leasts: Int32Array
  readonly #startScales: Float64Array
  /** Of the dots of the rows that are being filled, from the first of them. */
  #hashes = new Uint32Array(1)
  /** Places of the counter columns. */
  readonly counters: readonly number[]

  constructor(columns: readonly Column[], seed: number) {
    this.#columns = columns
    this.counters = columns.flatMap((column, place) =>
      column.type === 'int' && column.counter === true ? [place] : [],
    )
    this.#seed = seed
    this.#scales = Float64Array.from(columns, (column) =>
      column.type === 'int' ? (column.max - column.min + 1) / TWO_32 : (column.maxBytes - column.minBytes + 1) / TWO_32,
    )
    this.#leasts = Int32Array.from(columns, (column) => (column.type === 'int' ? column.min : column.minBytes))
    this.#startScales = Float64Array.from(columns, (column) =>
      column.type === 'int' ? 0 : (POOL_BYTES - column.maxBytes) / TWO_32,
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
    this.#hashes[0] = hashNumber(dot, this.#seed)
    for (let c = 0; c < columns.length; c++) this.#fillColumn(columns[c], c, row, row + 1)
  }

  /** Writes the content of the first `count` dots into the places from 0, column by column, which is quicker than row by row. */
  fillRows(columns: readonly ColumnValues[], dots: Float64Array, count: number): void {
    if (this.#hashes.length < count) this.#hashes = new Uint32Array(count)
    const hashes = this.#hashes
    for (let row = 0; row < count; row++) hashes[row] = hashNumber(dots[row], this.#seed)
    for (let c = 0; c < columns.length; c++) this.#fillColumn(columns[c], c, 0, count)
  }

  /**
   * Writes column `c` of the rows whose dots were hashed. 32 random bits times a range, over 2³²: always below the range,
   * and without the division of a remainder.
   */
  #fillColumn(column: ColumnValues, c: number, from: number, to: number): void {
    const hashes = this.#hashes
    const salt = Math.imul(c + 1, 0x9e3779b9)
    const least = this.#leasts[c]
    const scale = this.#scales[c]
    if (column.type === 'int') {
      const { values } = column
      for (let row = from; row < to; row++) {
        values[row] = least + Math.floor(mix32(hashes[row - from] + salt) * scale)
      }
      return
    }
    const { lengths, starts } = column
    const startScale = this.#startScales[c]
    for (let row = from; row < to; row++) {
      const first = mix32(hashes[row - from] + salt)
      lengths[row] = least + first * scale
      starts[row] = mix32(first ^ 0x51ed270b) * startScale
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
