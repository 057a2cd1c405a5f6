// LevelDB's log format written anew for tests, with the slowest CRC-32C there is, so that nothing is checked against itself.

const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7

/** Bit by bit. */
export function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

export function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** A log that holds these records and no more, and where each of them ends. */
export function encodeLog(records: readonly Uint8Array[]): {
  readonly bytes: Buffer
  readonly ends: readonly number[]
} {
  const parts: Buffer[] = []
  const ends: number[] = []
  let length = 0
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  for (const record of records) {
    let done = 0
    for (let first = true; first || done < record.length; first = false) {
      const left = BLOCK_BYTES - (length % BLOCK_BYTES)
      if (left < HEADER_BYTES) add(Buffer.alloc(left))
      const room = BLOCK_BYTES - (length % BLOCK_BYTES) - HEADER_BYTES
      const piece = record.subarray(done, done + room)
      done += piece.length
      const last = done === record.length
      const typed = Buffer.concat([Buffer.of(first ? (last ? 1 : 2) : last ? 4 : 3), piece])
      const header = Buffer.alloc(HEADER_BYTES - 1)
      header.writeUInt32LE(mask(slowCrc32c(typed)), 0)
      header.writeUInt16LE(piece.length, 4)
      add(Buffer.concat([header, typed]))
    }
    ends.push(length)
  }
  return { bytes: Buffer.concat(parts), ends }
}
