// One file being written from front to back, whole or with an error that says why not.
import { closeSync, openSync, writeSync } from 'node:fs'

export class OutputFile {
  readonly #file: number
  #closed = false

  constructor(path: string) {
    this.#file = openSync(path, 'wx')
  }

  /** Writes all of `bytes`; a write may take only a part, as on a disk that fills up. */
  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.byteLength;) {
      done += writeSync(this.#file, bytes, done, bytes.byteLength - done)
    }
  }

  /** Again does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#file)
  }
}
