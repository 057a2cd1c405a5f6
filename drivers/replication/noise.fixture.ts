// For tests: what a line, a bug or a stranger may make of good bytes, drawn by fast-check.
import fc from 'fast-check'

/** Something done to bytes; its numbers are taken modulo what they are applied to, so that any fits any bytes. */
export type Noise =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'flip'; readonly bits: readonly number[] }
  | { readonly kind: 'overwrite'; readonly at: number; readonly with: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly with: Uint8Array }
  | { readonly kind: 'replace'; readonly with: Uint8Array }

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })

export const noises: fc.Arbitrary<Noise> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('flip' as const), bits: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('overwrite' as const), at: fc.nat(), with: bytes }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), with: bytes }),
  fc.record({ kind: fc.constant('replace' as const), with: bytes }),
)

/** A copy of `good` with the noise in it. */
export function spoil(good: Buffer, noise: Noise): Buffer {
  if (noise.kind === 'replace') return Buffer.from(noise.with)
  if (noise.kind === 'flip') {
    const flipped = Buffer.from(good)
    for (const bit of noise.bits) if (good.length > 0) flipped[(bit >>> 3) % good.length] ^= 1 << (bit & 7)
    return flipped
  }
  const at = noise.at % (good.length + 1)
  if (noise.kind === 'cut') return Buffer.from(good.subarray(0, at))
  const after = noise.kind === 'insert' ? at : at + noise.with.length
  return Buffer.concat([good.subarray(0, at), noise.with, good.subarray(after)])
}

/** Bytes cut at the given places, each piece in memory of its own. */
export function cutAt(all: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (all.length + 1)))].sort((a, b) => a - b)
  return [0, ...ends].map((from, i) => Buffer.from(all.subarray(from, ends[i] ?? all.length)))
}
