// HDR histograms of µs with three digits: merged, never averaged. A signed one for lags, which may be negative.
import { build, type Histogram } from 'hdr-histogram-js'

export const PERCENTILES = [
  { name: 'p50', percent: 50 },
  { name: 'p90', percent: 90 },
  { name: 'p99', percent: 99 },
  { name: 'p999', percent: 99.9 },
  { name: 'max', percent: 100 },
] as const

/** An empty histogram of µs that grows as it must. */
export function newHistogram(): Histogram {
  return build({
    bitBucketSize: 32,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2,
    numberOfSignificantValueDigits: 3,
  })
}

/** A percentile in µs, or null of an empty histogram. */
export function percentileUs(histogram: Histogram, percent: number): number | null {
  return histogram.totalCount === 0 ? null : histogram.getValueAtPercentile(percent)
}

/** Two histograms back to back, so that negative values keep their three digits too. */
export class SignedHistogram {
  readonly #below = newHistogram()
  readonly #above = newHistogram()

  get count(): number {
    return this.#below.totalCount + this.#above.totalCount
  }

  record(us: number): void {
    const rounded = Math.round(us)
    if (rounded < 0) this.#below.recordValue(-rounded)
    else this.#above.recordValue(rounded)
  }

  add(other: SignedHistogram): void {
    this.#below.add(other.#below)
    this.#above.add(other.#above)
  }

  /** A percentile in µs, or null when nothing was recorded. */
  percentileUs(percent: number): number | null {
    const count = this.count
    if (count === 0) return null
    const rank = Math.max(1, Math.ceil((percent / 100) * count - 1e-9))
    const negative = this.#below.totalCount
    if (rank <= negative) {
      // The rank-th smallest is the (negative − rank + 1)-th smallest magnitude.
      return -this.#below.getValueAtPercentile(((negative - rank + 1) / negative) * 100)
    }
    return this.#above.getValueAtPercentile(((rank - negative) / this.#above.totalCount) * 100)
  }
}
