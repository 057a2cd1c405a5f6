// How a node's digests travel, and how those of several requests become one.
import type { Digest } from '../../../bench/contract/driver.ts'
import type { DigestSum } from '../../../bench/lib/digest-sum.ts'
import { MalformedFrame } from './frame.ts'
import { isIdentity } from './message.ts'

/** More buckets than this would not tell more. */
export const BUCKETS_MAX = 1 << 20

export function encodeDigest(sum: DigestSum, startedUs: number, endedUs: number): Buffer {
  const { counts, sums, xors } = sum
  const times = Float64Array.of(startedUs, endedUs)
  return Buffer.concat([times, counts, sums, xors].map((part) => new Uint8Array(part.buffer)))
}

export function decodeDigest(body: Buffer, buckets: number): Digest {
  if (body.length !== 16 + 24 * buckets) throw new MalformedFrame('a digest of another number of buckets')
  const buffer = new ArrayBuffer(body.length)
  new Uint8Array(buffer).set(body)
  const [startedUs, endedUs] = new Float64Array(buffer, 0, 2)
  const counts = new Float64Array(buffer, 16, buckets)
  if (!(startedUs <= endedUs) || !counts.every(isIdentity)) throw new MalformedFrame('a digest of nothing countable')
  return {
    startedUs,
    endedUs,
    counts,
    sums: new BigUint64Array(buffer, 16 + 8 * buckets, buckets),
    xors: new BigUint64Array(buffer, 16 + 16 * buckets, buckets),
  }
}

/** The digest of two disjoint sets of rows, in the bracket of both. */
export function mergeDigests(a: Digest, b: Digest): Digest {
  return {
    startedUs: Math.min(a.startedUs, b.startedUs),
    endedUs: Math.max(a.endedUs, b.endedUs),
    counts: a.counts.map((count, bucket) => count + b.counts[bucket]),
    sums: a.sums.map((sum, bucket) => sum + b.sums[bucket]),
    xors: a.xors.map((xor, bucket) => xor ^ b.xors[bucket]),
  }
}
