// One file being written from front to back, whole or with an error that says why not.
import { closeSync, openSync } from 'node:fs'
import { writeWhole } from '../lib/write-whole.ts'

export class OutputFile {
  readonly #file: number
  #closed = false

  constructor(path: string) {
    this.#file = openSync(path, 'wx')
  }

  append(bytes: Uint8Array): void {
    writeWhole(this.#file, bytes)
  }

  /** Again does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#file)
  }
}
