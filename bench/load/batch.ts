// Turns arrived rows into one batch for a session: a dot for each, sorted by key, each key once.
import { OPERATION, type ColumnValues, type IntValues, type RowBatch } from '../contract/table.ts'
import type { ContentMaker } from '../lib/content.ts'

/** Sort keys are packed with their place in one number when they leave room for it. */
const PLACES = 4096
const PACKABLE_KEY = Number.MAX_SAFE_INTEGER / PLACES

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
  readonly #sortable: Float64Array
  readonly #sorted: { keys: Float64Array; dots: Float64Array; versions: Float64Array; operations: Uint8Array }
  readonly #columns: ColumnValues[]
  readonly #content: ContentMaker
  readonly #counters: readonly IntValues[]
  arrived = 0
  batch: RowBatch

  constructor(rows: number, content: ContentMaker) {
    this.rows = rows
    this.keys = new Float64Array(rows)
    this.intendedUs = new Float64Array(rows)
    this.operations = new Uint8Array(rows)
    this.dots = new Float64Array(rows)
    this.coalesced = new Uint8Array(rows)
    this.place = new Uint32Array(rows)
    this.becomes = new Uint32Array(rows)
    this.#sortable = new Float64Array(rows)
    this.#sorted = {
      keys: new Float64Array(rows),
      dots: new Float64Array(rows),
      versions: new Float64Array(rows),
      operations: new Uint8Array(rows),
    }
    this.#content = content
    this.#columns = content.allocate(rows)
    this.#counters = content.counters.map((place) => this.#columns[place] as IntValues)
    this.batch = { count: 0, ...this.#sorted, columns: this.#columns, atomic: false }
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
    const { arrived, keys, place } = this
    this.#sortPlaces()
    let count = 0
    let continues = false
    for (let i = 0; i < arrived; i++) {
      this.dots[i] = firstDot + i
      this.coalesced[i] = 0
    }
    for (let i = 0; i < arrived; i++) {
      const from = place[i]
      this.becomes[from] = count
      const isLast = i + 1 === arrived || keys[place[i + 1]] !== keys[from]
      // What is replaced as a whole need not be made.
      if (isLast || this.#counters.length > 0) this.#put(count, from, continues)
      continues = !isLast
      if (!isLast) {
        this.coalesced[from] = 1
        continue
      }
      place[count] = from
      this.#sorted.keys[count] = keys[from]
      this.#sorted.dots[count] = this.dots[from]
      count++
    }
    this.batch = { count, ...this.#sorted, columns: this.#columns, atomic: false }
    return this.batch
  }

  /** Gives all rows of the batch their version. */
  stamp(version: number): void {
    this.#sorted.versions.fill(version, 0, this.batch.count)
  }

  /**
   * Puts operation and content of arrival `from` into row `row`, where an earlier write of the same key stands if it `continues`
   * one: an increment adds to that one's counters, as 32-bit integers do; anything else replaces it.
   */
  #put(row: number, from: number, continues: boolean): void {
    const { operations } = this.#sorted
    const asked = this.operations[from]
    if (continues && asked === OPERATION.increment && this.#counters.length > 0) return this.#add(row, from)
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

  /** Fills `place` with the arrival places in the order of (key, place). */
  #sortPlaces(): void {
    const { arrived, keys, place } = this
    if (arrived === 1) {
      place[0] = 0
      return
    }
    let largest = 0
    for (let i = 0; i < arrived; i++) if (keys[i] > largest) largest = keys[i]
    if (largest < PACKABLE_KEY && arrived <= PLACES) {
      const sortable = this.#sortable.subarray(0, arrived)
      for (let i = 0; i < arrived; i++) sortable[i] = keys[i] * PLACES + i
      sortable.sort()
      for (let i = 0; i < arrived; i++) place[i] = sortable[i] % PLACES
    } else {
      for (let i = 0; i < arrived; i++) place[i] = i
      place.subarray(0, arrived).sort((a, b) => keys[a] - keys[b] || a - b)
    }
  }
}
