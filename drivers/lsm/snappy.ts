// Unpacks what LevelDB packed with Snappy (google/snappy, format_description.txt): literals, and copies of what came before.
import { CodedBytes } from './coded-bytes.ts'

/** The bytes that were packed; throws RangeError where these are none. */
export function unpackSnappy(packed: Buffer): Buffer {
  const from = new CodedBytes(packed)
  const length = from.number()
  // No element of 3 bytes makes more than 64.
  if (length > 64 * packed.length) throw new RangeError('a length that does not fit')
  const out = Buffer.alloc(length)
  let made = 0
  while (!from.ended) {
    const tag = from.bytes(1)[0]
    const upper = tag >>> 2
    if ((tag & 3) === 0) {
      const literal = from.bytes(1 + (upper < 60 ? upper : from.bytes(upper - 59).readUIntLE(0, upper - 59)))
      if (literal.length > length - made) throw new RangeError('a literal that does not fit')
      made += literal.copy(out, made)
      continue
    }
    const short = (tag & 3) === 1
    const count = short ? 4 + (upper & 7) : 1 + upper
    const offsetBytes = tag & 3
    const bytes = from.bytes(offsetBytes === 3 ? 4 : offsetBytes)
    const offset = short ? ((tag >>> 5) << 8) | bytes[0] : bytes.readUIntLE(0, bytes.length)
    if (offset === 0 || offset > made || count > length - made) throw new RangeError('a copy that does not fit')
    // Where the copy overlaps what it makes, it repeats: byte by byte.
    for (let i = 0; i < count; i++, made++) out[made] = out[made - offset]
  }
  if (made !== length) throw new RangeError('less than was packed')
  return out
}
