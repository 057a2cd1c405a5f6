// How a node's rows, log and state are named in LevelDB: a letter, and a number big-endian so that names sort as numbers do.

const ROW = 0x72 // r
const LOG = 0x6c // l
const META = 0x6d // m

/** Bytes of a row's or an entry's name. */
export const NAME_BYTES = 9

/** Writes the name of a row into `name`, which may be used again once LevelDB has copied it. */
export function writeRowName(name: Buffer, key: number): Buffer {
  return writeNumbered(name, ROW, key)
}

export function writeLogName(name: Buffer, position: number): Buffer {
  return writeNumbered(name, LOG, position)
}

function writeNumbered(name: Buffer, letter: number, number: number): Buffer {
  name[0] = letter
  const high = Math.floor(number / 4294967296)
  const low = number >>> 0
  name[1] = high >>> 24
  name[2] = high >>> 16
  name[3] = high >>> 8
  name[4] = high
  name[5] = low >>> 24
  name[6] = low >>> 16
  name[7] = low >>> 8
  name[8] = low
  return name
}

/** The key or position in a name. */
export function numberIn(name: Buffer): number {
  return name.readUInt32BE(1) * 4294967296 + name.readUInt32BE(5)
}

export const ROWS = { gte: Buffer.of(ROW), lt: Buffer.of(ROW + 1) }
export const LOG_END = Buffer.of(LOG + 1)
/** Head, highest version, log id. */
export const STATE_NAME = Buffer.of(META, 0x73)
/** A name after all others: the range from it to itself is empty. */
export const AFTER_ALL = Buffer.of(0xff)

export function appliedName(dcIndex: number): Buffer {
  return Buffer.of(META, 0x61, dcIndex)
}
