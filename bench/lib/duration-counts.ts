// Counts durations in the buckets of an HDR histogram of 3 digits, several times as fast as the library does, and becomes one.
import type { Histogram } from 'hdr-histogram-js'
import { microsHistogram } from './histogram.ts'

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

/** How far it is from a positive number to the next. */
function ulpOf(value: number): number {
  return 2 ** (Math.floor(Math.log2(value)) - 52)
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

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0)
    this.#mostUs = 0
  }

  get mostUs(): number {
    return this.#mostUs
  }

  /** How often each bucket was met, up to the last that was. */
  get buckets(): Uint32Array {
    return this.#counts.subarray(0, bucketOf(this.#mostUs) + 1)
  }

  /** Adds `count` durations of a bucket, of which none is longer than `mostUs`. */
  addBucket(bucket: number, count: number, mostUs: number): void {
    if (mostUs > this.#mostUs) this.#mostUs = mostUs
    if (bucket >= this.#counts.length) this.#grow(bucket)
    this.#counts[bucket] += count
  }

  /** The percentiles asked for, which ascend and are above 0, as the library gives them; NaN without any duration. */
  percentilesUs(percents: readonly number[]): number[] {
    const counts = this.#counts
    const last = bucketOf(this.#mostUs)
    let total = 0
    for (let bucket = 0; bucket <= last; bucket++) total += counts[bucket]
    let bucket = -1
    let upTo = 0
    return percents.map((percent) => {
      if (total === 0) return Number.NaN
      const exact = (percent / 100) * total
      // What is a whole number but for the last bit of its product is that number.
      const wanted = Math.max(1, Math.ceil(exact - ulpOf(exact)))
      while (upTo < wanted) upTo += counts[++bucket]
      return leastOf(bucket + 1) - 1
    })
  }

  /** The same counts as the library keeps them. */
  histogram(): Histogram {
    const histogram = microsHistogram()
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
