// What becomes of the rows of a local batch: their versions are raised where need be, increments become whole rows, vectors
// tell what was found, and a planted fault may have its way.
import { OPERATION } from '../../../bench/contract/table.ts'
import { dotDc, nextVersion } from '../../../bench/lib/dot.ts'
import type { CounterColumns } from './counter-columns.ts'
import { type Disturbance, FATE } from './disturbance.ts'
import type { FoundRows } from './found-rows.ts'
import { type PackedRows, withoutRows } from './packed-rows.ts'
import type { RowVectors } from './row-vectors.ts'
import type { WriteAnswer } from './write-answer.ts'

interface LocalRowsOptions {
  readonly dcIndex: number
  readonly found: FoundRows
  readonly vectors: RowVectors | undefined
  readonly counterColumns: CounterColumns
  readonly disturbance: Disturbance | undefined
  readonly counters: { local_rows: number; raised_rows: number; superseded_rows: number }
  readonly put: (rows: PackedRows, row: number, version: number, dot: number) => void
}

export class LocalRows {
  readonly #options: LocalRowsOptions

  constructor(options: LocalRowsOptions) {
    this.#options = options
  }

  /**
   * Throws MalformedFrame where the table has counters and a content does not fit it, wherever it comes from: sooner than some
   * later increment finds it, half-way through its batch. Returns whether there are increments of counters.
   */
  check(rows: PackedRows): boolean {
    const { counterColumns } = this.#options
    let increments = false
    if (!counterColumns.any) return increments
    for (let i = 0; i < rows.count; i++) {
      const operation = rows.operation(i)
      if (operation !== OPERATION.delete) counterColumns.check(rows.record(i))
      if (operation === OPERATION.increment) increments = true
    }
    return increments
  }

  /** Of which rows the stored record is needed, if of any; throws as `check`. */
  needsRecord(rows: PackedRows): ((row: number) => boolean) | undefined {
    const { vectors } = this.#options
    const increments = this.check(rows)
    if (vectors !== undefined) return () => true
    return increments ? (row) => rows.operation(row) === OPERATION.increment : undefined
  }

  /** Puts the rows over what was found of them; says what is answered, and which rows are to be shipped. */
  put(rows: PackedRows): { readonly answer: WriteAnswer; readonly shipped: PackedRows } {
    const { dcIndex, found, vectors, counters, disturbance } = this.#options
    let raised: { readonly rows: number[]; readonly versions: number[] } | undefined
    let unknown: number[] | undefined
    let unshipped: Set<number> | undefined
    const causes = vectors?.found(rows.count)
    for (let i = 0; i < rows.count; i++) {
      const dot = rows.dot(i)
      let version = rows.version(i)
      const known = found.versions[i]
      if (causes !== undefined) vectors?.writeOver(found.records[i], rows.record(i), i, causes)
      const fate = disturbance?.fate(rows.key(i), dot, version, known) ?? FATE.kept
      if (fate === FATE.unanswered || fate === FATE.vanished) (unknown ??= []).push(i)
      if (fate !== FATE.kept && fate !== FATE.unanswered) (unshipped ??= new Set()).add(i)
      if (fate === FATE.unstored || fate === FATE.vanished) continue
      const increments = rows.operation(i) === OPERATION.increment
      if (known >= version) {
        // A request that was overtaken by a later one of the same writer, on another connection.
        if (dotDc(found.dots[i]) === dcIndex && found.dots[i] >= dot) {
          counters.superseded_rows++
          ;(unshipped ??= new Set()).add(i)
          // The later one replaced what an upsert would have written, but never saw an increment; and none of them replaced
          // what was found, so that where causality is exact there is nothing to say.
          if (increments || causes !== undefined) (unknown ??= []).push(i)
          continue
        }
        version = nextVersion(known, dcIndex)
        rows.setVersion(i, version)
        raised ??= { rows: [], versions: [] }
        raised.rows.push(i)
        raised.versions.push(version)
        counters.raised_rows++
      }
      if (increments) this.#increment(rows, i)
      this.#options.put(rows, i, version, dot)
    }
    counters.local_rows += rows.count
    const shipped = unshipped === undefined ? rows : withoutRows(rows, unshipped)
    return { answer: { raised, unknown, found: causes }, shipped }
  }

  #increment(rows: PackedRows, row: number): void {
    const { counterColumns, found } = this.#options
    if (counterColumns.any) counterColumns.add(rows.record(row), found.records[row])
    rows.setOperation(row, OPERATION.upsert)
  }
}
