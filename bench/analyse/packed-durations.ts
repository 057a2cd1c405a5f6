// Counted durations as few bytes, so that those of every second of a run fit into memory and go from thread to thread.
import type { DurationCounts } from '../lib/duration-counts.ts'

const BYTES_AT_FIRST = 1 << 12
/** Of one number: 36 bits, 7 to a byte. */
const NUMBER_BYTES_MAX = 6
const LOW_SPAN = 2 ** 28

/** Bytes that grow as counts are packed into them. */
export class PackedDurations {
  #bytes = new Uint8Array(BYTES_AT_FIRST)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What was packed so far, in memory of its own. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Packs the longest duration, then each bucket met: how far it is from the one before, and how often. */
  pack(counts: DurationCounts): void {
    const { buckets, mostUs } = counts
    this.#reserve(2 * NUMBER_BYTES_MAX)
    this.#put(Math.floor(mostUs / LOW_SPAN))
    this.#put(mostUs % LOW_SPAN)
    let before = -1
    for (let bucket = 0; bucket < buckets.length; bucket++) {
      if (buckets[bucket] === 0) continue
      this.#reserve(3 * NUMBER_BYTES_MAX)
      this.#put(bucket - before)
      this.#put(buckets[bucket])
      before = bucket
    }
    this.#put(0)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(this.#bytes.length * 2)
    grown.set(this.#bytes)
    this.#bytes = grown
  }

  #put(value: number): void {
    let rest = value >>> 0
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#bytes[this.#length++] = rest
  }
}

/** Adds packed counts to others; returns where the next ones begin. */
export function addPacked(bytes: Uint8Array, from: number, to: DurationCounts): number {
  let at = from
  const next = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
  }
  const mostUs = next() * LOW_SPAN + next()
  let bucket = -1
  for (;;) {
    const step = next()
    if (step === 0) return at
    bucket += step
    to.addBucket(bucket, next(), mostUs)
  }
}
