// Turns arrived rows into one batch for a session: a dot for each, sorted by key, each key once.
import type { WriteResult } from '../contract/outcome.ts'
import { OPERATION, type ColumnValues, type IntValues, type RowBatch } from '../contract/table.ts'
import type { ContentMaker } from '../lib/content.ts'
import { PlaceSorter } from './sort-places.ts'

/**
 * The buffers of one batch under way. `keys`, `intendedUs`, `operations` and `dots` are in the order of arrival; `batch` is
 * what the session gets; `place[i]` is the arrival place of the batch's row i, `becomes[i]` the batch's row that stores what
 * arrived at place i; rows that a later one of the batch replaced are marked in `coalesced`.
 */
export class BatchBuffers {
  readonly rows: number
  readonly keys: Float64Array
  readonly intendedUs: Float64Array
  readonly operations: Uint8Array
  readonly dots: Float64Array
  readonly coalesced: Uint8Array
  readonly place: Uint32Array
  readonly becomes: Uint32Array
  readonly #sorter: PlaceSorter
  readonly #sorted: { keys: Float64Array; dots: Float64Array; versions: Float64Array; operations: Uint8Array }
  readonly #columns: ColumnValues[]
  readonly #content: ContentMaker
  readonly #counters: readonly IntValues[]
  arrived = 0
  batch: RowBatch
  /** While the batch is under way: when it was sent, and what takes its answer; `next` are the buffers to go on with, if not these. */
  sentUs = 0
  settle: ((result: WriteResult, next?: BatchBuffers) => void) | undefined

  constructor(rows: number, content: ContentMaker) {
    this.rows = rows
    this.keys = new Float64Array(rows)
    this.intendedUs = new Float64Array(rows)
    this.operations = new Uint8Array(rows)
    this.dots = new Float64Array(rows)
    this.coalesced = new Uint8Array(rows)
    this.place = new Uint32Array(rows)
    this.becomes = new Uint32Array(rows)
    this.#sorter = new PlaceSorter(rows)
    this.#sorted = {
      keys: new Float64Array(rows),
      dots: new Float64Array(rows),
      versions: new Float64Array(rows),
      operations: new Uint8Array(rows),
    }
    this.#content = content
    this.#columns = content.allocate(rows)
    this.#counters = content.counters.map((place) => this.#columns[place] as IntValues)
    this.batch = this.#batchOf(0)
  }

  /** Gives all rows that arrived the same intended time. */
  dueAt(us: number): void {
    for (let i = 0; i < this.arrived; i++) this.intendedUs[i] = us
  }

  /** Moves the row at arrival place `from` to the earlier place `to`. */
  move(from: number, to: number): void {
    this.keys[to] = this.keys[from]
    this.intendedUs[to] = this.intendedUs[from]
    this.operations[to] = this.operations[from]
  }

  /**
   * Makes `batch` from the `arrived` rows in the buffers, but for its versions. The row at arrival place i takes dot
   * `firstDot + i`. Of several writes of a key one is stored, with the last one's dot and what they leave one after another;
   * the others are marked coalesced.
   */
  build(firstDot: number): RowBatch {
    this.#sorter.sort(this.keys, this.arrived, this.place)
    for (let i = 0; i < this.arrived; i++) this.dots[i] = firstDot + i
    this.batch = this.#batchOf(this.#counters.length === 0 ? this.#buildReplacing() : this.#buildAdding())
    return this.batch
  }

  /** Where every write replaces the row as a whole only the last one of a key is made. Returns how many rows the batch has. */
  #buildReplacing(): number {
    const { arrived, keys, place, dots, becomes, coalesced } = this
    const sorted = this.#sorted
    let count = 0
    let continues = false
    for (let i = 0; i < arrived; i++) {
      const from = place[i]
      const key = keys[from]
      const isLast = i + 1 === arrived || keys[place[i + 1]] !== key
      becomes[from] = count
      coalesced[from] = isLast ? 0 : 1
      if (isLast) {
        const asked = this.operations[from]
        place[count] = from
        sorted.keys[count] = key
        sorted.dots[count] = dots[from]
        sorted.operations[count++] = continues && asked === OPERATION.insert ? OPERATION.upsert : asked
      }
      continues = !isLast
    }
    if (count === 1) this.#content.fill(this.#columns, 0, sorted.dots[0])
    else this.#content.fillRows(this.#columns, sorted.dots, count)
    return count
  }

  /** Where increments add up all writes of a key are made, one after another. */
  #buildAdding(): number {
    const { arrived, keys, place } = this
    let count = 0
    let continues = false
    for (let i = 0; i < arrived; i++) {
      const from = place[i]
      const isLast = i + 1 === arrived || keys[place[i + 1]] !== keys[from]
      this.becomes[from] = count
      this.coalesced[from] = isLast ? 0 : 1
      this.#put(count, from, continues)
      continues = !isLast
      if (!isLast) continue
      place[count] = from
      this.#sorted.keys[count] = keys[from]
      this.#sorted.dots[count] = this.dots[from]
      count++
    }
    return count
  }

  #batchOf(count: number): RowBatch {
    const { keys, dots, versions, operations } = this.#sorted
    return { count, keys, dots, versions, operations, columns: this.#columns, atomic: false }
  }

  /** Gives all rows of the batch their version. */
  stamp(version: number): void {
    const { versions } = this.#sorted
    for (let i = 0; i < this.batch.count; i++) versions[i] = version
  }

  /**
   * Puts operation and content of arrival `from` into row `row`, where an earlier write of the same key stands if it `continues`
   * one: an increment adds to that one's counters, as 32-bit integers do; anything else replaces it.
   */
  #put(row: number, from: number, continues: boolean): void {
    const { operations } = this.#sorted
    const asked = this.operations[from]
    if (continues && asked === OPERATION.increment) return this.#add(row, from)
    if (asked !== OPERATION.delete) this.#content.fill(this.#columns, row, this.dots[from])
    operations[row] = continues && asked === OPERATION.insert ? OPERATION.upsert : asked
  }

  #add(row: number, from: number): void {
    const { operations } = this.#sorted
    const before = operations[row]
    const sums = this.#counters.map(({ values }) => (before === OPERATION.delete ? 0 : values[row]))
    this.#content.fill(this.#columns, row, this.dots[from])
    this.#counters.forEach(({ values }, c) => (values[row] += sums[c]))
    operations[row] = before === OPERATION.increment ? OPERATION.increment : OPERATION.upsert
  }
}
