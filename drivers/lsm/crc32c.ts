// CRC-32C (Castagnoli; RFC 3720, appendix B.4), with which LevelDB checks all that it writes: Node's zlib knows only CRC-32.

/** The polynomial 0x1edc6f41 with its bits reversed, as the algorithm takes bytes lowest bit first. */
const POLYNOMIAL = 0x82f63b78
/** Bytes taken in one step: a table each. */
const SLICES = 16
/** LevelDB's util/crc32c.h: what is stored is turned and moved, since a CRC over bytes that hold their own CRC is no check. */
const MASK_DELTA = 0xa282ead8

const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = tables()

/** `[k][byte]`: what a byte adds to the CRC when `k` more bytes follow it. */
function tables(): Int32Array[] {
  const made = Array.from({ length: SLICES }, () => new Int32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
    made[0][byte] = crc
  }
  for (let k = 1; k < SLICES; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = made[k - 1][byte]
      made[k][byte] = (shorter >>> 8) ^ made[0][shorter & 255]
    }
  }
  return made
}

/** The CRC-32C of the bytes from `from` to before `to`. */
export function crc32c(bytes: Buffer, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let crc = -1
  let at = from
  for (const end = to - SLICES; at <= end; at += SLICES) {
    const a = view.getInt32(at, true) ^ crc
    const b = view.getInt32(at + 4, true)
    const c = view.getInt32(at + 8, true)
    const d = view.getInt32(at + 12, true)
    crc =
      T15[a & 255] ^
      T14[(a >>> 8) & 255] ^
      T13[(a >>> 16) & 255] ^
      T12[a >>> 24] ^
      T11[b & 255] ^
      T10[(b >>> 8) & 255] ^
      T9[(b >>> 16) & 255] ^
      T8[b >>> 24] ^
      T7[c & 255] ^
      T6[(c >>> 8) & 255] ^
      T5[(c >>> 16) & 255] ^
      T4[c >>> 24] ^
      T3[d & 255] ^
      T2[(d >>> 8) & 255] ^
      T1[(d >>> 16) & 255] ^
      T0[d >>> 24]
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]) & 255]
  return ~crc >>> 0
}

/** Where the bytes from `from` end so that their CRC-32C is `crc`, the first such place up to `to`; undefined: nowhere. */
export function endWithCrc(bytes: Buffer, from: number, to: number, crc: number): number | undefined {
  const wanted = ~crc
  let running = -1
  for (let at = from; at < to; at++) {
    running = (running >>> 8) ^ T0[(running ^ bytes[at]) & 255]
    if (running === wanted) return at + 1
  }
  return undefined
}

/** The CRC that LevelDB stored as `masked`. */
export function unmasked(masked: number): number {
  const turned = (masked - MASK_DELTA) >>> 0
  return ((turned >>> 17) | (turned << 15)) >>> 0
}
