// HDR histograms of µs with 3 significant digits: merged and asked for percentiles; never averaged.
import { build, type Histogram } from 'hdr-histogram-js'

/** An empty histogram of µs that grows with what it is given. */
export function microsHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2,
    autoResize: true,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })
}

/** A percentile (0 … 100) in ms, or NaN for an empty histogram. */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return histogram.totalCount === 0 ? Number.NaN : histogram.getValueAtPercentile(percentile) / 1000
}
