// Walks a file in LevelDB's log format, which its logs and its MANIFEST have, and tells what a kill leaves from damage: LevelDB
// itself skips a damaged record, and all that follows in its block, without a word. Source: LevelDB 1.20, doc/log_format.md,
// db/log_writer.cc and db/log_reader.cc.
//
//   file   = blocks of 32 KiB, the last one shorter
//   block  = pieces · zeros (where fewer bytes than a header are left)
//   piece  = masked CRC-32C u32 (of what follows the length) · length u16 · type u8 · bytes
//   record = a FULL piece, or a FIRST, MIDDLEs and a LAST, each but the last as long as its block has room
import { closeSync, fstatSync, openSync } from 'node:fs'
import { readWhole } from '../../bench/lib/read-whole.ts'
import { crc32c, endWithCrc, unmasked } from './crc32c.ts'
import { damaged } from './damage.ts'

const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7
const READ_BLOCKS = 32
const FULL = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4

const isType = (type: number): boolean => type >= FULL && type <= LAST

/** How a log ends. */
export interface LogEnd {
  /** Whole records. */
  readonly records: number
  /** Where the last whole record ends. */
  readonly end: number
  /** Bytes after it: a record that the end of the file cuts off, or zeros; as they are left by a kill or a power failure. */
  readonly cutBytes: number
}

/**
 * Hands every whole record of the file to `take`, with the byte at which it begins; the bytes hold only until it returns.
 * Throws FORMAT where the file holds anything but whole records and, at its end, what is left of one.
 */
export function walkLog(path: string, take: (record: Buffer, begin: number) => void): LogEnd {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const walk = new Walk(path, take)
    const chunk = Buffer.allocUnsafe(Math.min(size, READ_BLOCKS * BLOCK_BYTES))
    for (let from = 0; from < size; from += chunk.length) {
      const bytes = chunk.subarray(0, Math.min(chunk.length, size - from))
      readWhole(path, file, bytes, from)
      for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
        walk.block(bytes.subarray(at, Math.min(at + BLOCK_BYTES, bytes.length)), from + at)
      }
    }
    return { records: walk.records, end: walk.end, cutBytes: size - walk.end }
  } finally {
    closeSync(file)
  }
}

class Walk {
  records = 0
  end = 0
  readonly #path: string
  readonly #take: (record: Buffer, begin: number) => void
  /** The pieces so far of a record that goes on. */
  #pieces: Buffer[] = []
  #begin = 0
  /** From here on there must be zeros only. */
  #zerosFrom: number | undefined

  constructor(path: string, take: (record: Buffer, begin: number) => void) {
    this.#path = path
    this.#take = take
  }

  /** Takes the next block, which begins at `position` and is shorter than a block only at the end of the file. */
  block(bytes: Buffer, position: number): void {
    let at = 0
    while (this.#zerosFrom === undefined && bytes.length - at >= HEADER_BYTES) {
      const next = this.#piece(bytes, at, position)
      if (next === undefined) return
      at = next
    }
    // A short rest of the last block is a header that was cut off.
    if (this.#zerosFrom === undefined && bytes.length < BLOCK_BYTES) return
    if (bytes.subarray(at).every((byte) => byte === 0)) return
    if (this.#zerosFrom === undefined) throw damaged(this.#path, position + at, 'the rest of a block is not zero')
    throw damaged(this.#path, this.#zerosFrom, 'there are zeros in place of a record')
  }

  /** Takes the piece at `at`; returns where the next begins, undefined where the file ends in this one. */
  #piece(bytes: Buffer, at: number, position: number): number | undefined {
    const crc = bytes.readUInt32LE(at)
    const length = bytes.readUInt16LE(at + 4)
    const type = bytes[at + 6]
    if (crc === 0 && length === 0 && type === 0) {
      // LevelDB writes none, but takes them for room made beforehand: a file system may leave some at a power failure.
      this.#zerosFrom = position + at
      return at
    }
    const room = BLOCK_BYTES - at - HEADER_BYTES
    const goesOn = type === FIRST || type === MIDDLE
    if (!isType(type) || (goesOn ? length !== room : length > room)) {
      throw damaged(this.#path, position + at, 'the header of a record is none that LevelDB writes')
    }
    const from = at + HEADER_BYTES
    const to = from + length
    const whole = to <= bytes.length
    if (whole && crc32c(bytes, at + 6, to) !== unmasked(crc)) {
      throw damaged(this.#path, position + at, 'the checksum of a record does not fit')
    }
    const inside = this.#pieces.length > 0
    if (inside !== (type === MIDDLE || type === LAST)) {
      throw damaged(this.#path, position + at, 'a part of a record is missing')
    }
    if (!whole) {
      // A whole record whose length is wrong looks as if it were cut off; but it has its checksum, and a header follows or none.
      const end = endWithCrc(bytes, at + 6, bytes.length, unmasked(crc))
      if (end !== undefined && (bytes.length - end < HEADER_BYTES || isType(bytes[end + 6]))) {
        throw damaged(this.#path, position + at, 'the length of a record does not fit its checksum')
      }
      return undefined
    }
    if (!inside) this.#begin = position + at
    this.#add(bytes.subarray(from, to), goesOn, position + to)
    return to
  }

  #add(piece: Buffer, goesOn: boolean, end: number): void {
    if (goesOn) {
      this.#pieces.push(Buffer.from(piece))
      return
    }
    const record = this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece])
    this.#pieces = []
    this.records++
    this.end = end
    this.#take(record, this.#begin)
  }
}
