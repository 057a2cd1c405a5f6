// The rows that wait for one applier: where their tuples stand in the received chunks, and where source transactions end.
import { BenchError } from '../../bench/contract/errors.ts'
import { ArrayParameter, TYPE } from './array-parameter.ts'
import { elementStart, isNull, TUPLE_HEADER_BYTES } from '../replication/pgoutput.ts'
import { uint32At } from '../replication/pgoutput-frames.ts'
import type { SqlColumn } from './sql-table.ts'

/** A source transaction on its way: how many appliers have yet to commit their part of it. */
export interface SourceTransaction {
  readonly endLsn: number
  waiting: number
}

/** The end of a transaction in a queue; `position` is the 16 bytes of log position and commit time. */
interface Mark {
  /** Rows of the queue before it, counted from the queue's first row ever. */
  readonly rowsEnd: number
  readonly position: Buffer
  readonly transaction: SourceTransaction
}

/** What an applier writes in one statement: sorted by key, each key once with its highest version. */
export interface ApplyBatch {
  readonly rows: number
  /** Rows left out because a later row of the same batch has the same key and a higher version. */
  readonly superseded: number
  /** Bytes of the stream that the batch accounts for. */
  readonly bytes: number
  readonly arrays: Buffer[]
  /** Where the last transaction in it ends; absent for a part of a transaction that is not its last. */
  readonly position: Buffer | undefined
  readonly transactions: readonly SourceTransaction[]
}

/** A source transaction with more rows than this for one applier is applied in several. */
export const PART_ROWS_MAX = 10_000
const COMPACT_ROWS = 4096
/** Places of a batch's rows, and the least key that has no room beside one in a safe integer. */
const PLACES = 16_384
const PACKED_KEY_END = Number.MAX_SAFE_INTEGER / PLACES

const LENGTHS: ReadonlyMap<number, number> = new Map([
  [TYPE.int8, 8],
  [TYPE.int4, 4],
])
const ANY_LENGTH = -1

export class RowQueue {
  readonly #arrays: readonly ArrayParameter[]
  /** By column: the length of its values in bytes, or ANY_LENGTH. */
  readonly #lengths: readonly number[]
  readonly #keys: number[] = []
  readonly #versions: number[] = []
  readonly #chunks: Buffer[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #marks: Mark[] = []
  /** Index of the first waiting row, and how many rows went before index 0. */
  #head = 0
  #gone = 0

  constructor(columns: readonly SqlColumn[]) {
    this.#arrays = columns.map(({ typeNumber }) => new ArrayParameter(typeNumber))
    this.#lengths = columns.map(({ typeNumber }) => LENGTHS.get(typeNumber) ?? ANY_LENGTH)
  }

  push(key: number, version: number, chunk: Buffer, start: number, end: number): void {
    this.#keys.push(key)
    this.#versions.push(version)
    this.#chunks.push(chunk)
    this.#starts.push(start)
    this.#ends.push(end)
  }

  /** Ends the transaction to which the rows since the last mark belong. */
  mark(transaction: SourceTransaction, position: Buffer): void {
    this.#marks.push({ rowsEnd: this.#gone + this.#keys.length, position, transaction })
  }

  /**
   * Takes whole transactions of up to `rowsMax` rows together, at least one; or a part of one that is too large, or of any
   * that has not ended when `mayCut`. Undefined when nothing can be applied yet. The arrays are valid until the next call.
   */
  take(rowsMax: number, mayCut: boolean): ApplyBatch | undefined {
    const first = this.#gone + this.#head
    let marks = 0
    while (marks < this.#marks.length && this.#marks[marks].rowsEnd - first <= rowsMax) marks++
    if (marks === 0 && this.#marks.length > 0 && this.#marks[0].rowsEnd - first <= PART_ROWS_MAX) marks = 1
    const waiting = this.#keys.length - this.#head
    if (marks === 0 && waiting < (mayCut ? 1 : PART_ROWS_MAX)) return undefined
    const rows = marks === 0 ? Math.min(waiting, PART_ROWS_MAX) : this.#marks[marks - 1].rowsEnd - first
    const position = marks === 0 ? undefined : this.#marks[marks - 1].position
    const transactions = this.#marks.splice(0, marks).map(({ transaction }) => transaction)
    const batch = { ...this.#gather(rows), position, transactions }
    this.#head += rows
    this.#compact()
    return batch
  }

  #gather(count: number): Omit<ApplyBatch, 'position' | 'transactions'> {
    const order = this.#order(count)
    const [keys, versions, starts, ends] = [this.#keys, this.#versions, this.#starts, this.#ends]
    let rows = 0
    let bytes = 0
    for (let i = 0; i < count; rows++) {
      let row = order[i]
      const key = keys[row]
      bytes += ends[row] - starts[row]
      for (i++; i < count && keys[order[i]] === key; i++) {
        const other = order[i]
        bytes += ends[other] - starts[other]
        if (versions[other] > versions[row]) row = other
      }
      this.#add(row)
    }
    return { rows, superseded: count - rows, bytes, arrays: this.#arrays.map((array) => array.take()) }
  }

  /** Throws FORMAT for a row that does not end where its columns do, or in which a number has another length than its type. */
  #add(row: number): void {
    const arrays = this.#arrays
    const lengths = this.#lengths
    const chunk = this.#chunks[row]
    const end = this.#ends[row]
    let at = this.#starts[row] + TUPLE_HEADER_BYTES
    for (let c = 0; c < arrays.length; c++) {
      if (isNull(chunk, at, end)) {
        arrays[c].addNull()
        at++
        continue
      }
      const element = elementStart(chunk, at, end)
      const length = uint32At(chunk, element)
      if (length !== lengths[c] && lengths[c] !== ANY_LENGTH) refuseRow()
      arrays[c].addElement(chunk, element, 4 + length)
      at = element + 4 + length
    }
    if (at !== end) refuseRow()
  }

  /** The first `count` waiting rows by ascending key, those of one key side by side. */
  #order(count: number): Uint32Array {
    const keys = this.#keys
    const order = new Uint32Array(count)
    let sorted = true
    let packable = count <= PLACES
    for (let i = 0, row = this.#head; i < count; i++, row++) {
      order[i] = row
      if (i > 0 && keys[row] <= keys[row - 1]) sorted = false
      if (keys[row] < 0 || keys[row] >= PACKED_KEY_END) packable = false
    }
    // A transaction of a batch writer arrives sorted, each key once.
    if (sorted) return order
    if (!packable) return order.sort((a, b) => keys[a] - keys[b])
    // Key and place in one number: without a comparison of ours a sort takes a tenth of the time.
    const packed = new Float64Array(count)
    for (let i = 0; i < count; i++) packed[i] = keys[this.#head + i] * PLACES + i
    packed.sort()
    for (let i = 0; i < count; i++) order[i] = this.#head + packed[i] - Math.floor(packed[i] / PLACES) * PLACES
    return order
  }

  #compact(): void {
    const waiting = this.#keys.length - this.#head
    if (waiting > 0 && (this.#head < COMPACT_ROWS || this.#head < waiting)) return
    for (const array of [this.#keys, this.#versions, this.#chunks, this.#starts, this.#ends])
      array.splice(0, this.#head)
    this.#gone += this.#head
    this.#head = 0
  }
}

function refuseRow(): never {
  throw new BenchError(
    'FORMAT',
    'The replication stream holds a row that is not of the table’s columns: this version of geowrite cannot apply it.',
  )
}
