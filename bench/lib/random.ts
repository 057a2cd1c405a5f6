// Seeded randomness: one generator for streams, and hashes for what must be a pure function of its arguments.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export interface RandomStream {
  /** Uniform in [0, 1) with 53 bits. */
  unit(): number
  /** Uniform in 0 … 2^32 − 1. */
  uint32(): number
}

/** A stream that depends on the seed and on every part of `path`, so that streams never share a sequence. */
export function randomStream(seed: number, ...path: readonly number[]): RandomStream {
  let state = mix32(seed ^ 0x2545f491)
  for (const part of path) state = mix32(state ^ hashNumber(part, 0x9e3779b9))
  const generator = xoroshiro128plus(state)
  const uint32 = () => generator.next() >>> 0
  return { uint32, unit: () => ((uint32() >>> 5) * 67108864 + (uint32() >>> 6)) / 9007199254740992 }
}

/** MurmurHash3's 32-bit finaliser (public domain, A. Appleby): a bijection of 32-bit integers that spreads every bit. */
export function mix32(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A 32-bit hash of a safe integer; different salts give independent hashes. */
export function hashNumber(value: number, salt: number): number {
  const high = Math.floor(value / 4294967296)
  return mix32(mix32((value >>> 0) ^ salt) ^ Math.imul(high + 1, 0x9e3779b1))
}
