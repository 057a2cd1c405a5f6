// A service's log file: its standard output and error as they come, and what of it a user is told.
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 8_192
const TOLD_CHARACTERS = 400

/** Reads a log from where it now ends, line by line as it grows. */
export class LogReader {
  readonly #path: string
  #offset: number
  #rest = ''

  constructor(path: string) {
    this.#path = path
    this.#offset = existsSync(path) ? sizeOf(path) : 0
  }

  /** The lines that were completed since the last call. */
  lines(): readonly string[] {
    const file = openSync(this.#path, 'r')
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#offset)
      this.#offset += readSync(file, bytes, 0, bytes.length, this.#offset)
      const lines = (this.#rest + bytes.toString('utf8')).split('\n')
      this.#rest = lines.pop() ?? ''
      return lines
    } finally {
      closeSync(file)
    }
  }
}

function sizeOf(path: string): number {
  const file = openSync(path, 'r')
  try {
    return fstatSync(file).size
  } finally {
    closeSync(file)
  }
}

/** The last `count` lines of a log on one line, shortened; empty when it holds none. */
export function lastLines(path: string, count: number): string {
  if (!existsSync(path)) return ''
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(TAIL_BYTES)
    const start = Math.max(0, fstatSync(file).size - TAIL_BYTES)
    const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, TAIL_BYTES, start))
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines
      .slice(-count)
      .map((line) => line.trim())
      .join(' / ')
      .slice(-TOLD_CHARACTERS)
  } finally {
    closeSync(file)
  }
}
