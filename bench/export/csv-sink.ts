// Groups of rows as CSV (RFC 4180): names, numbers in their shortest exact form, and an empty cell for what is not known.
import { OutputFile } from './output-file.ts'
import type { Sink } from './table-writer.ts'
import type { Cell, ExportTable } from './tables.ts'

export class CsvSink implements Sink {
  readonly #file: OutputFile

  constructor(path: string, { columns }: ExportTable) {
    this.#file = new OutputFile(path)
    this.#append(`${columns.map(({ name }) => name).join(',')}\n`)
  }

  group(rows: number, columns: readonly (readonly Cell[])[]): void {
    const lines: string[] = []
    for (let i = 0; i < rows; i++) {
      let line = ''
      for (let c = 0; c < columns.length; c++) {
        const cell = columns[c][i]
        // Texts are names of ours, which need no quotes.
        line += `${c === 0 ? '' : ','}${cell === null ? '' : String(cell)}`
      }
      lines.push(line)
    }
    if (rows > 0) this.#append(`${lines.join('\n')}\n`)
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
