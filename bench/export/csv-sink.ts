// Groups of rows as CSV (RFC 4180): names, numbers in their shortest exact form, and an empty cell for what is not known.
import { OutputFile } from './output-file.ts'
import type { Sink } from './table-writer.ts'
import type { Cell, ExportTable } from './tables.ts'

/** Text held in memory. */
const LINES_AT_ONCE = 2048

export class CsvSink implements Sink {
  readonly #file: OutputFile

  constructor(path: string, { columns }: ExportTable) {
    this.#file = new OutputFile(path)
    this.#append(`${columns.map(({ name }) => name).join(',')}\n`)
  }

  group(rows: number, columns: readonly (readonly Cell[])[]): void {
    for (let from = 0; from < rows; from += LINES_AT_ONCE) {
      let text = ''
      for (let i = from; i < Math.min(rows, from + LINES_AT_ONCE); i++) {
        for (let c = 0; c < columns.length; c++) {
          const cell = columns[c][i]
          // Texts are names of ours, which need no quotes.
          text += `${c === 0 ? '' : ','}${cell === null ? '' : String(cell)}`
        }
        text += '\n'
      }
      this.#append(text)
    }
  }

  finish(): void {
    this.close()
  }

  close(): void {
    this.#file.close()
  }

  #append(text: string): void {
    this.#file.append(Buffer.from(text, 'latin1'))
  }
}
