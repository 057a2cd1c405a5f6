// The statistics that the analysis needs beyond simple-statistics: trends, proportions, batch means.
import { median, sampleStandardDeviation } from 'simple-statistics'

/** Two-sided 95 % quantile of the normal distribution. */
const Z95 = 1.959964

/** Wilson's score interval for `hits` of `n`, at 95 %. With n = 0 nothing is known: [0, 1]. */
export function wilson(hits: number, n: number): { readonly low: number; readonly high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const share = hits / n
  const square = Z95 * Z95
  const centre = share + square / (2 * n)
  const spread = Z95 * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n))
  const scale = 1 + square / n
  return {
    low: hits === 0 ? 0 : Math.max(0, (centre - spread) / scale),
    high: hits === n ? 1 : Math.min(1, (centre + spread) / scale),
  }
}

/** A trend over equally spaced values. */
export interface Trend {
  /** Theil–Sen slope times the length: how much the series rose from start to end, in its own unit. */
  readonly change: number
  /** Kendall's z of the same pairs: beyond ±2.58 chance explains it in 1 of 100 steady series. */
  readonly z: number
  readonly median: number
}

/** The Theil–Sen trend of a series (Sen, 1968) with the Mann–Kendall test; null below `pointsMin` points. NaN points are left out. */
export function trendOf(series: readonly number[], pointsMin = 8): Trend | null {
  const at = series.map((_, i) => i).filter((i) => Number.isFinite(series[i]))
  if (at.length < pointsMin) return null
  const slopes: number[] = []
  let rises = 0
  for (let i = 0; i < at.length; i++) {
    for (let j = i + 1; j < at.length; j++) {
      const difference = series[at[j]] - series[at[i]]
      slopes.push(difference / (at[j] - at[i]))
      rises += Math.sign(difference)
    }
  }
  const n = at.length
  // Ties only make the true variance smaller, so that this z understates: a flat series with jumps is never called a trend.
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)
  const z = rises === 0 ? 0 : (rises - Math.sign(rises)) / deviation
  return { change: median(slopes) * (series.length - 1), z, median: median(at.map((i) => series[i])) }
}

/** Half-width of the 95 % interval of a mean, from the means of batches; null with fewer than five. */
export function batchMeansHalfWidth(batches: readonly number[]): number | null {
  const known = batches.filter((value) => Number.isFinite(value))
  if (known.length < 5) return null
  return (studentT95(known.length - 1) * sampleStandardDeviation(known)) / Math.sqrt(known.length)
}

/** Student's t at 95 %, by the Cornish–Fisher expansion: within 1 % from 4 degrees of freedom on. */
function studentT95(degrees: number): number {
  const z = Z95
  const n = degrees
  return (
    z +
    (z ** 3 + z) / (4 * n) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * n ** 3)
  )
}

/** Median with the smallest and largest value; nulls when nothing is known. */
export function medianWithSpread(values: readonly (number | null)[]): {
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
} {
  const known = values.filter((value) => value !== null)
  // A median over only some of the runs would hide that the others could not say.
  if (known.length === 0 || known.length < values.length) return { value: null, low: null, high: null }
  return { value: median(known), low: Math.min(...known), high: Math.max(...known) }
}
