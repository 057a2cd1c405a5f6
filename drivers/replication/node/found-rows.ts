// What is stored of the rows in hand, by place: versions and dots, and whole records where they are needed to decide.
import type { Column } from '../../../bench/contract/table.ts'
import { CounterColumns } from './counter-columns.ts'
import type { Engine } from './engine.ts'
import { type PackedRows, recordDot, recordVersion } from './packed-rows.ts'

/** Whether a node must look into stored rows to replace them, for their vectors or their counters. */
export function needsRecords(rows: { readonly vectorDcs: number; readonly columns: readonly Column[] }): boolean {
  return rows.vectorDcs > 0 || new CounterColumns(rows.columns).any
}

export class FoundRows {
  versions = new Float64Array(1024)
  dots = new Float64Array(1024)
  /** Only of rows whose record was asked for; null where there is no row. */
  records: (Buffer | null)[] = []
  /** Keys of rows that must be read first. */
  unknown: number[] = []
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Finds what is stored of each row; false where some must be read first. `needsRecord` tells of which rows the record is needed. */
  look(rows: PackedRows, needsRecord: ((row: number) => boolean) | undefined): boolean {
    const engine = this.#engine
    const horizon = engine.horizon()
    if (rows.count > this.versions.length) {
      this.versions = new Float64Array(2 * rows.count)
      this.dots = new Float64Array(2 * rows.count)
    }
    this.unknown = []
    if (needsRecord !== undefined) this.records = []
    for (let i = 0; i < rows.count; i++) {
      if (needsRecord?.(i) === true) {
        this.#lookAtRecord(rows.key(i), i)
        continue
      }
      const known = engine.known(rows.key(i))
      if (known === known) {
        this.versions[i] = known
        this.dots[i] = engine.knownDot
      } else if (rows.version(i) > horizon) {
        this.versions[i] = 0
      } else {
        this.unknown.push(rows.key(i))
      }
    }
    return this.unknown.length === 0
  }

  #lookAtRecord(key: number, row: number): void {
    const record = this.#engine.record(key)
    if (record === undefined) {
      this.unknown.push(key)
      return
    }
    this.records[row] = record
    this.versions[row] = record === null ? 0 : recordVersion(record)
    this.dots[row] = record === null ? 0 : recordDot(record)
  }
}
