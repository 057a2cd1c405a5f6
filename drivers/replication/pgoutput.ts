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
  /** A row as it is after an insert or update; its tuple begins at `bytes[start]` and ends before `end`. */
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
/** Origin, type and logical messages say nothing that the reader needs. */
const IGNORED = new Set([code('O'), code('Y'), code('M')])

const XLOG_HEADER_BYTES = 25
/** A tuple is its number of columns (i16), then for each a kind, and for a binary one its length (i32) and bytes. */
export const TUPLE_HEADER_BYTES = 2
/** Kind, length and value of one of the three leading int8 columns. */
const INT8_COLUMN_BYTES = 13
const KEY_AT = TUPLE_HEADER_BYTES + 5
const VERSION_AT = KEY_AT + 2 * INT8_COLUMN_BYTES
const HEAD_BYTES = TUPLE_HEADER_BYTES + 3 * INT8_COLUMN_BYTES

const refuse = (what: string): never => {
  throw new BenchError('FORMAT', `The replication stream ${what}: this version of geowrite cannot apply it.`)
}

/** Decodes the payloads of CopyData messages into calls of a sink. */
export class StreamDecoder {
  readonly #columns: readonly StreamColumn[]
  readonly #sink: StreamSink
  #relation = -1

  constructor(columns: readonly StreamColumn[], sink: StreamSink) {
    this.#columns = columns
    this.#sink = sink
  }

  /** One CopyData payload. Throws FORMAT for what cannot be applied: the stream must then not go on. */
  decode(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start]
    if (kind === KEEPALIVE) this.#sink.keepalive(int64At(bytes, start + 1), bytes[start + 17] === 1)
    else if (kind === XLOG_DATA) this.#change(bytes, start + XLOG_HEADER_BYTES, end)
    else refuse(`holds a message of unknown kind ${kind}`)
  }

  #change(bytes: Buffer, at: number, end: number): void {
    const kind = bytes[at]
    if (kind === INSERT) this.#row(bytes, at + 5, end, at)
    else if (kind === UPDATE) this.#update(bytes, at, end)
    else if (kind === BEGIN) this.#sink.begin(int64At(bytes, at + 1))
    else if (kind === COMMIT) this.#sink.commit(int64At(bytes, at + 10), bytes, at + 10)
    else if (kind === RELATION) this.#describe(bytes, at)
    else if (kind === DELETE) refuse('holds a deleted row')
    else if (kind === TRUNCATE) refuse('holds a truncated table')
    else if (!IGNORED.has(kind)) refuse(`holds a change of unknown kind ${kind}`)
  }

  #update(bytes: Buffer, at: number, end: number): void {
    const first = bytes[at + 5]
    const replaced = first === KEY_TUPLE || first === OLD_TUPLE
    this.#row(bytes, replaced ? tupleEnd(bytes, at + 6, end) : at + 5, end, at)
  }

  /** @param marker where the N before the new tuple stands; @param change where the change begins. */
  #row(bytes: Buffer, marker: number, end: number, change: number): void {
    const start = marker + 1
    const columns = (bytes[start] << 8) | bytes[start + 1]
    const whole =
      bytes[marker] === NEW_TUPLE &&
      uint32At(bytes, change + 1) === this.#relation &&
      columns === this.#columns.length &&
      end - start >= HEAD_BYTES &&
      bytes[start + 2] === BINARY &&
      bytes[start + 2 + 2 * INT8_COLUMN_BYTES] === BINARY
    if (!whole) refuse('holds a row that is not of the table under test in binary form')
    this.#sink.row(int64At(bytes, start + KEY_AT), int64At(bytes, start + VERSION_AT), bytes, start, end)
  }

  /** Checks a Relation message against the columns expected, since rows are applied by position. */
  #describe(bytes: Buffer, at: number): void {
    let next = bytes.indexOf(0, at + 5) + 1
    next = bytes.indexOf(0, next) + 1
    const count = bytes.readUInt16BE(next + 1)
    next += 3
    let same = count === this.#columns.length
    for (let i = 0; i < count && same; i++) {
      const nameEnd = bytes.indexOf(0, next + 1)
      const { name, typeNumber } = this.#columns[i]
      same = bytes.toString('utf8', next + 1, nameEnd) === name && uint32At(bytes, nameEnd + 1) === typeNumber
      next = nameEnd + 9
    }
    if (!same) refuse('describes a table with other columns than the one under test')
    this.#relation = uint32At(bytes, at + 1)
  }
}

/** Where the tuple that begins at `start` ends. Throws FORMAT when it does not end before `limit`. */
export function tupleEnd(bytes: Uint8Array, start: number, limit: number): number {
  const columns = (bytes[start] << 8) | bytes[start + 1]
  let at = start + TUPLE_HEADER_BYTES
  for (let i = 0; i < columns && at < limit; i++) {
    const kind = bytes[at++]
    if (kind === BINARY || kind === TEXT) at += 4 + uint32At(bytes, at)
  }
  if (at > limit) refuse('holds a torn row')
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
  if (bytes[at] !== BINARY) refuse('holds a column that is not whole and binary')
  if (at + 5 > limit || at + 5 + uint32At(bytes, at + 1) > limit) refuse('holds a torn row')
  return at + 1
}
