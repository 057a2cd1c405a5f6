// Appends rows to a raw CSV file of the run folder while the run goes on, so that a cut-off run can still be read.
import { createWriteStream, type WriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { stringify, type Stringifier } from 'csv-stringify'

/** A CSV file with a header; null becomes an empty cell (n/a). */
export class CsvLog {
  readonly #rows: Stringifier
  readonly #file: WriteStream
  #failure: Error | undefined

  constructor(path: string, columns: readonly string[]) {
    this.#file = createWriteStream(path, { flags: 'wx' })
    this.#rows = stringify({ header: true, columns: [...columns] })
    this.#rows.pipe(this.#file)
    // Nobody may be waiting when it fails, as on a disk that fills up: the next one to write or to close gets the error.
    this.#file.on('error', (error) => (this.#failure ??= error))
  }

  /** Throws what an earlier row could not be written for. */
  row(values: readonly (string | number | null)[]): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#rows.write(values)
  }

  /** Throws what rows could not be written for. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#rows.end()
    await finished(this.#file)
  }
}

/** Seconds since the epoch with µs digits, as all raw CSV files write times. */
export function atSeconds(us: number): string {
  return (us / 1e6).toFixed(6)
}
