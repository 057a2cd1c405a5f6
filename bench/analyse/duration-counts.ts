// Counts durations in the buckets of an HDR histogram of 3 digits, several times as fast as the library does, and becomes one.
import type { Histogram } from 'hdr-histogram-js'
import { newHistogram } from './histograms.ts'

/** Buckets of 1 µs come first; from there on each doubling has half as many (HdrHistogram: 2048 = the power of 2 above 2·10³). */
const UNIT_BUCKETS = 2048
const HALF_BITS = 10
/** Bits of the largest duration whose bucket is found without dividing: 35 minutes. */
const FAST_BELOW = 2 ** 31
const BUCKETS_AT_FIRST = 4096

/** The bucket of a whole number of µs. */
function bucketOf(us: number): number {
  if (us < UNIT_BUCKETS) return us
  if (us < FAST_BELOW) {
    const doublings = 21 - Math.clz32(us)
    return (doublings << HALF_BITS) + (us >>> doublings)
  }
  const doublings = Math.floor(Math.log2(us)) - HALF_BITS
  return (doublings << HALF_BITS) + Math.floor(us / 2 ** doublings)
}

/** The least duration of a bucket, in µs. */
function leastOf(bucket: number): number {
  if (bucket < UNIT_BUCKETS) return bucket
  const doublings = (bucket >>> HALF_BITS) - 1
  return (bucket - (doublings << HALF_BITS)) * 2 ** doublings
}

export class DurationCounts {
  #counts = new Uint32Array(BUCKETS_AT_FIRST)
  #mostUs = 0

  /** What is below 0 counts as 0, fractions of a µs are rounded. */
  record(us: number): void {
    const whole = us <= 0 ? 0 : Math.round(us)
    if (whole > this.#mostUs) this.#mostUs = whole
    const bucket = bucketOf(whole)
    if (bucket >= this.#counts.length) this.#grow(bucket)
    this.#counts[bucket]++
  }

  add(other: DurationCounts): void {
    const theirs = other.#counts
    if (other.#mostUs > this.#mostUs) this.#mostUs = other.#mostUs
    if (theirs.length > this.#counts.length) this.#grow(theirs.length - 1)
    for (let bucket = 0; bucket < theirs.length; bucket++) this.#counts[bucket] += theirs[bucket]
  }

  /** The same counts as the library keeps them. */
  histogram(): Histogram {
    const histogram = newHistogram()
    const counts = this.#counts
    const last = bucketOf(this.#mostUs)
    for (let bucket = 0; bucket < counts.length; bucket++) {
      if (counts[bucket] > 0) {
        histogram.recordValueWithCount(bucket === last ? this.#mostUs : leastOf(bucket), counts[bucket])
      }
    }
    return histogram
  }

  #grow(bucket: number): void {
    const grown = new Uint32Array(Math.max(bucket + 1, this.#counts.length * 2))
    grown.set(this.#counts)
    this.#counts = grown
  }
}
