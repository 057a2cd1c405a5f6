// Reads Postgres's logical decoding stream (plugin pgoutput, protocol version 1, binary tuples) of one table whose first
// columns are key, dot and version, which are never null. A row is handed on as the place of its tuple: only key and version become numbers.
import { BenchError } from '../../bench/contract/errors.ts'
import { int64At, uint32At } from './pgoutput-frames.ts'

/** A column as the stream's Relation message must name it. */
export interface StreamColumn {
  readonly name: string
  readonly typeNumber: number
}

/** Gets what the stream says, in its order. Log positions are numbers of bytes. */
export interface StreamSink {
  /** A transaction begins whose commit record stands at `commitLsn`. */
  begin(commitLsn: number): void
  /**
   * A row as it is after an insert or update; its tuple begins at `bytes[start]` and must end at `end`. Whoever walks it must
   * refuse it where it does not, or where a number has another length than its type: then key and version are none either.
   */
  row(key: number, version: number, bytes: Buffer, start: number, end: number): void
  /** The transaction ends; `bytes[at … at + 16)` holds the position after its commit and the commit's time, 8 bytes each. */
  commit(endLsn: number, bytes: Buffer, at: number): void
  /** Everything before `endLsn` has been sent. */
  keepalive(endLsn: number, replyAsked: boolean): void
}

const code = (letter: string): number => letter.charCodeAt(0)
const XLOG_DATA = code('w')
const KEEPALIVE = code('k')
const BEGIN = code('B')
const COMMIT = code('C')
const RELATION = code('R')
const INSERT = code('I')
const UPDATE = code('U')
const DELETE = code('D')
const TRUNCATE = code('T')
const NEW_TUPLE = code('N')
const KEY_TUPLE = code('K')
const OLD_TUPLE = code('O')
const BINARY = code('b')
const TEXT = code('t')
const NULL = code('n')
const UNCHANGED = code('u')
/** Says nothing that the reader needs. */
const ORIGIN = code('O')
const TYPE = code('Y')

const XLOG_HEADER_BYTES = 25
const KEEPALIVE_BYTES = 18
const BEGIN_BYTES = 21
const COMMIT_BYTES = 26
/** A tuple is its number of columns (i16), then for each a kind, and for a binary one its length (i32) and bytes. */
export const TUPLE_HEADER_BYTES = 2
/** Kind, length and value of one of the three leading int8 columns. */
const INT8_COLUMN_BYTES = 13
const KEY_AT = TUPLE_HEADER_BYTES + 5
const VERSION_AT = KEY_AT + 2 * INT8_COLUMN_BYTES
const HEAD_BYTES = TUPLE_HEADER_BYTES + 3 * INT8_COLUMN_BYTES

/** Texts of the table under test have 16-bit lengths (bench/contract/table.ts), the other columns are shorter. */
const COLUMN_BYTES_MAX = 5 + 0xffff
/** What a server may say beside rows: errors and notices, and the columns' names. */
const WORDS_BYTES_MAX = 1 << 20

/** The longest message of the stream of a table with so many columns: a row as it was and as it is. */
export const messageBytesMax = (columns: number): number => WORDS_BYTES_MAX + 2 * columns * COLUMN_BYTES_MAX

const refuse = (what: string): never => {
  throw new BenchError('FORMAT', `The replication stream ${what}: this version of geowrite cannot apply it.`)
}

/** Decodes the payloads of CopyData messages into calls of a sink; never looks at a byte outside of the payload. */
export class StreamDecoder {
  readonly #columns: readonly StreamColumn[]
  readonly #sink: StreamSink
  #relation = -1
  /** Of the chunk that is being decoded: a view reads a number in one step, where its bytes take eight. */
  #view: DataView = new DataView(new ArrayBuffer(0))
  #viewed: Buffer | undefined
  #inTransaction = false
  /** Of the transaction that has begun. */
  #commitLsn = 0

  constructor(columns: readonly StreamColumn[], sink: StreamSink) {
    this.#columns = columns
    this.#sink = sink
  }

  /** One CopyData payload. Throws FORMAT for what cannot be applied: the stream must then not go on. */
  decode(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#viewed) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#viewed = bytes
    }
    const length = end - start
    if (length > XLOG_HEADER_BYTES && bytes[start] === XLOG_DATA) this.#change(bytes, start + XLOG_HEADER_BYTES, end)
    else if (length === KEEPALIVE_BYTES && bytes[start] === KEEPALIVE) {
      this.#sink.keepalive(int64At(this.#view, start + 1), bytes[start + 17] === 1)
    } else refuse(`holds ${length} bytes that are no message`)
  }

  #change(bytes: Buffer, at: number, end: number): void {
    const kind = bytes[at]
    if (kind === INSERT) this.#row(bytes, at + 5, end, at)
    else if (kind === UPDATE) this.#update(bytes, at, end)
    else if (kind === BEGIN) this.#begin(at, end)
    else if (kind === COMMIT) this.#commit(bytes, at, end)
    else if (kind === RELATION) this.#describe(bytes, at, end)
    else if (kind === DELETE) refuse('holds a deleted row')
    else if (kind === TRUNCATE) refuse('holds a truncated table')
    else if (!isIgnored(bytes, at, end)) refuse(`holds a change of unknown kind ${kind}`)
  }

  #begin(at: number, end: number): void {
    if (end - at !== BEGIN_BYTES || this.#inTransaction) refuse('holds a torn beginning of a transaction')
    this.#inTransaction = true
    this.#commitLsn = int64At(this.#view, at + 1)
    this.#sink.begin(this.#commitLsn)
  }

  /** A commit names the position that its transaction began with, which Postgres's own apply worker checks as well. */
  #commit(bytes: Buffer, at: number, end: number): void {
    const ends = end - at === COMMIT_BYTES && this.#inTransaction && int64At(this.#view, at + 2) === this.#commitLsn
    if (!ends) refuse('holds a commit that ends no transaction')
    this.#inTransaction = false
    this.#sink.commit(int64At(this.#view, at + 10), bytes, at + 10)
  }

  #update(bytes: Buffer, at: number, end: number): void {
    if (at + 6 > end) refuse('holds a torn row')
    const first = bytes[at + 5]
    const replaced = first === KEY_TUPLE || first === OLD_TUPLE
    this.#row(bytes, replaced ? tupleEnd(bytes, at + 6, end) : at + 5, end, at)
  }

  /** @param marker where the N before the new tuple stands; @param change where the change begins. */
  #row(bytes: Buffer, marker: number, end: number, change: number): void {
    const start = marker + 1
    const view = this.#view
    const whole =
      end - start >= HEAD_BYTES &&
      this.#inTransaction &&
      bytes[marker] === NEW_TUPLE &&
      view.getUint32(change + 1) === this.#relation &&
      view.getUint16(start) === this.#columns.length &&
      bytes[start + TUPLE_HEADER_BYTES] === BINARY &&
      bytes[start + TUPLE_HEADER_BYTES + 2 * INT8_COLUMN_BYTES] === BINARY
    if (!whole) refuse('holds a row that is not of the table under test in binary form')
    this.#sink.row(int64At(view, start + KEY_AT), int64At(view, start + VERSION_AT), bytes, start, end)
  }

  /** Checks a Relation message against the columns expected, since rows are applied by position. */
  #describe(bytes: Buffer, at: number, end: number): void {
    let next = textEnd(bytes, textEnd(bytes, at + 5, end), end) + 3
    let same = next <= end && ((bytes[next - 2] << 8) | bytes[next - 1]) === this.#columns.length
    for (let i = 0; i < this.#columns.length && same; i++) {
      const { name, typeNumber } = this.#columns[i]
      const nameEnd = textEnd(bytes, next + 1, end)
      same =
        nameEnd + 8 <= end &&
        bytes.toString('utf8', next + 1, nameEnd - 1) === name &&
        uint32At(bytes, nameEnd) === typeNumber
      next = nameEnd + 8
    }
    if (!same || next !== end) refuse('describes a table with other columns than the one under test')
    this.#relation = uint32At(bytes, at + 1)
  }
}

/** Where the text that begins at `from` ends, its zero included. Throws FORMAT when that is not before `limit`. */
function textEnd(bytes: Buffer, from: number, limit: number): number {
  const length = bytes.subarray(from, limit).indexOf(0)
  if (length < 0) refuse('holds a text without an end')
  return from + length + 1
}

/** A change that says nothing of rows; it must be whole all the same, since a torn row might pass for it. */
function isIgnored(bytes: Buffer, at: number, end: number): boolean {
  if (bytes[at] === ORIGIN) return textEnd(bytes, at + 9, end) === end
  return bytes[at] === TYPE && textEnd(bytes, textEnd(bytes, at + 5, end), end) === end
}

/** Where the tuple that begins at `start` ends. Throws FORMAT when it does not end before `limit`. */
export function tupleEnd(bytes: Uint8Array, start: number, limit: number): number {
  let at = start + TUPLE_HEADER_BYTES
  let columns = at > limit ? 0 : (bytes[start] << 8) | bytes[start + 1]
  for (; columns > 0 && at < limit; columns--) {
    const kind = bytes[at++]
    if (kind === NULL || kind === UNCHANGED) continue
    if (kind !== BINARY && kind !== TEXT) refuse(`holds a column of unknown kind ${kind}`)
    at += at + 4 > limit ? 4 : 4 + uint32At(bytes, at)
  }
  if (at > limit || columns > 0) refuse('holds a torn row')
  return at
}

/** Whether the column that begins at `at`, before `limit`, is null; it is this one byte then. */
export function isNull(bytes: Uint8Array, at: number, limit: number): boolean {
  return at < limit && bytes[at] === NULL
}

/**
 * Where the element of the next column begins, given where the column begins: an element is length and bytes. Throws
 * FORMAT for a column that is null, unchanged or not binary, the latter two of which our tables and writes never make, and
 * for one that does not end before `limit`.
 */
export function elementStart(bytes: Uint8Array, at: number, limit: number): number {
  if (at + 5 > limit) refuse('holds a torn row')
  if (bytes[at] !== BINARY) refuse('holds a column that is not whole and binary')
  if (at + 5 + uint32At(bytes, at + 1) > limit) refuse('holds a torn row')
  return at + 1
}
