// The statistic of a comparison: the median of the pairs' ratios, and how well the pairs know it.
import { median } from 'simple-statistics'
import type { Sample } from './comparison.ts'

/** One turn of each side, one right after the other. */
export interface Pair {
  readonly geowrite: Sample
  readonly peer: Sample
}

export interface Ratio {
  readonly ratio: number
  /** Bounds of the true median, right with probability `confidence` whatever the ratios' distribution. */
  readonly low: number
  readonly high: number
  /** 0 … 1. */
  readonly confidence: number
}

/** The least probability with which the bounds must hold; five pairs reach it with their smallest and largest ratio. */
const CONFIDENCE_MIN = 0.93

/**
 * The median and, of the intervals between the k-th smallest and the k-th largest value, the narrowest that holds the true
 * median with at least `CONFIDENCE_MIN`; with fewer than five values the widest, and its lower confidence. Such an interval
 * misses when fewer than k values lie on one side: 2 · P(Binomial(n, ½) < k). (Conover, Practical Nonparametric Statistics, 3.2)
 */
export function medianInterval(values: readonly number[]): Ratio {
  if (values.length === 0) throw new TypeError('no values')
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  let cut = 0
  // P(Binomial(n, ½) = cut) and the confidence of the interval that leaves out `cut` values on either side.
  let term = 0.5 ** n
  let confidence = 1 - 2 * term
  while (2 * (cut + 2) <= n) {
    term *= (n - cut) / (cut + 1)
    if (confidence - 2 * term < CONFIDENCE_MIN) break
    confidence -= 2 * term
    cut++
  }
  return { ratio: median(sorted), low: sorted[cut], high: sorted[n - 1 - cut], confidence: Math.max(0, confidence) }
}

/** How a rate is counted: by time, or by what the client spent for it. */
export const PER = ['second', 'client CPU-second'] as const
export type Per = (typeof PER)[number]

export function rateOf({ amount, seconds, cpuSeconds }: Sample, per: Per): number {
  return amount / (per === 'second' ? seconds : cpuSeconds)
}

/** geowrite's rate over the peer's: above 1 geowrite does more. */
export function ratioOf(pairs: readonly Pair[], per: Per): Ratio {
  return medianInterval(pairs.map(({ geowrite, peer }) => rateOf(geowrite, per) / rateOf(peer, per)))
}
