// The file of a durable memory node: everything that was put, in the order of the commits. It is only ever appended to, and read
// once, at the start. A commit is in the file when it returns: handed to the operating system, not brought to the disk. A kill can
// only cut the last commit off; anything else is damage, and refused.
//
//   file   = commits
//   commit = length u32 · CRC-32 of the changes u32 · CRC-32 of these 8 bytes u32 · changes
//   change = kind u8 · a f64 · b f64 · c f64 · length u32 · bytes
import { closeSync, fdatasync, fstatSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { BenchError } from '../../bench/contract/errors.ts'
import { readWhole } from '../../bench/lib/read-whole.ts'
import { writeWhole } from '../../bench/lib/write-whole.ts'

const COMMIT_HEADER_BYTES = 12
const HEADED_BYTES = 8
const CHANGE_HEADER_BYTES = 29

/** What the numbers of each kind of change mean. */
export const CHANGE = {
  /** The log's number. */
  log: 1,
  /** Key; the bytes are the record. */
  row: 2,
  /** Position; the bytes are packed rows. */
  entry: 3,
  /** Position. */
  entryRemoved: 4,
  /** DC, number of its log, position. */
  applied: 5,
  /** Head of the log, highest version. Ends every commit. */
  head: 6,
  /** Key, dot and version of a row that should be here and is left out on purpose. */
  forgotten: 7,
} as const

/** Takes one change while the file is read. */
type Replay = (kind: number, a: number, b: number, c: number, bytes: Buffer) => void

export class MemoryFile {
  readonly #path: string
  readonly #file: number
  #changes: Buffer[] = []
  /** Bytes of whole commits. */
  bytes = 0

  /**
   * Reads every whole commit of the file in `folder`, which need not exist, and cuts off what a crash left of one. Throws FORMAT for
   * a file that is damaged, and leaves it as it is.
   */
  constructor(folder: string, replay: Replay) {
    mkdirSync(folder, { recursive: true })
    this.#path = join(folder, 'commits')
    this.#file = openSync(this.#path, 'a+')
    for (;;) {
      const changes = this.#wholeCommit()
      if (changes === undefined) break
      for (let at = 0; at < changes.length;) {
        const length = changes.readUInt32LE(at + 25)
        const from = at + CHANGE_HEADER_BYTES
        const number = (place: number) => changes.readDoubleLE(at + 1 + 8 * place)
        replay(changes[at], number(0), number(1), number(2), changes.subarray(from, from + length))
        at = from + length
      }
      this.bytes += COMMIT_HEADER_BYTES + changes.length
    }
    ftruncateSync(this.#file, this.bytes)
  }

  /** Adds a change to the next commit. The bytes are copied. */
  add(kind: number, numbers: readonly number[], bytes?: Uint8Array): void {
    const change = Buffer.alloc(CHANGE_HEADER_BYTES + (bytes?.length ?? 0))
    change[0] = kind
    numbers.forEach((number, i) => change.writeDoubleLE(number, 1 + 8 * i))
    change.writeUInt32LE(bytes?.length ?? 0, 25)
    if (bytes !== undefined) change.set(bytes, CHANGE_HEADER_BYTES)
    this.#changes.push(change)
  }

  /** Writes what was added. In one go without yielding, so that nobody reads what a crash could still take back. */
  commit(head: number, highestVersion: number): void {
    if (this.#changes.length === 0) return
    this.add(CHANGE.head, [head, highestVersion])
    const body = Buffer.concat(this.#changes)
    this.#changes = []
    const header = Buffer.alloc(COMMIT_HEADER_BYTES)
    header.writeUInt32LE(body.length, 0)
    header.writeUInt32LE(crc32(body), 4)
    header.writeUInt32LE(crc32(header.subarray(0, HEADED_BYTES)), HEADED_BYTES)
    const commit = Buffer.concat([header, body])
    writeWhole(this.#file, commit)
    this.bytes += commit.length
  }

  /** Brings what was written to the disk. */
  sync(): Promise<void> {
    return promisify(fdatasync)(this.#file)
  }

  close(): void {
    closeSync(this.#file)
  }

  /** The changes of the commit at the end of what was read so far; undefined where there is no whole one. Throws FORMAT. */
  #wholeCommit(): Buffer | undefined {
    const header = this.#read(this.bytes, COMMIT_HEADER_BYTES)
    if (header === undefined) return undefined
    if (crc32(header.subarray(0, HEADED_BYTES)) !== header.readUInt32LE(HEADED_BYTES)) throw this.#damaged()
    const body = this.#read(this.bytes + COMMIT_HEADER_BYTES, header.readUInt32LE(0))
    if (body !== undefined && crc32(body) !== header.readUInt32LE(4)) throw this.#damaged()
    return body
  }

  #damaged(): BenchError {
    closeSync(this.#file)
    return new BenchError(
      'FORMAT',
      `${this.#path} is damaged (the commit at byte ${this.bytes} is not as it was written), so that the node would lose rows that it acknowledged: remove its folder, and run again.`,
    )
  }

  #read(position: number, length: number): Buffer | undefined {
    if (position + length > fstatSync(this.#file).size) return undefined
    const bytes = Buffer.alloc(length)
    readWhole(this.#path, this.#file, bytes, position)
    return bytes
  }
}
