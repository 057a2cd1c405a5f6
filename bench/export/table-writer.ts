// Rows one by one into groups of bounded size, whatever the form of the file.
import type { Cell, ExportTable } from './tables.ts'

/** Rows held in memory, and the row group of a Parquet file. */
export const GROUP_ROWS = 65_536

/** Where groups go; `finish` makes the file whole, `close` leaves it as it is. */
export interface Sink {
  group(rows: number, columns: readonly (readonly Cell[])[]): void
  finish(): void
  close(): void
}

export class TableWriter {
  readonly #sink: Sink
  readonly #columns: readonly Cell[][]
  #filled = 0
  rows = 0

  constructor(table: ExportTable, sink: Sink) {
    this.#sink = sink
    this.#columns = table.columns.map(() => new Array<Cell>(GROUP_ROWS).fill(null))
  }

  /** One row, its cells in the table's order. */
  add(...cells: readonly Cell[]): void {
    for (let c = 0; c < cells.length; c++) this.#columns[c][this.#filled] = cells[c]
    this.rows++
    if (++this.#filled === GROUP_ROWS) this.#flush()
  }

  finish(): void {
    this.#flush()
    this.#sink.finish()
  }

  #flush(): void {
    this.#sink.group(this.#filled, this.#columns)
    this.#filled = 0
  }
}
