// Visibility lag as metrics, by link and over all, and what follows from it for the prediction.
import { PERCENTILES, SignedHistogram } from './histograms.ts'
import { linkIndex } from './link-index.ts'
import type { LagAnalysis, LinkLag } from './lag.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'

type Count = 'hits' | 'overshadowed' | 'open' | 'dropped'

/** Probes of the measured phase that ended so, over all links. */
export function probeCount(lag: LagAnalysis, name: Count): number {
  return lag.links.reduce((sum, link) => sum + link[name], 0)
}

/** Adds `lag_…`, `lag_error_…` (the width of the brackets) and the counts of probes by how they ended. */
export function addLag(list: MetricList, run: RunData, lag: LagAnalysis): void {
  addLinks(list, lag.links, { dc: '', peer: '' })
  for (const [d, dc] of run.dcs.entries()) {
    for (const [e, peer] of run.dcs.entries()) {
      if (d !== e) addLinks(list, [lag.links[linkIndex(run.dcs.length, d, e)]], { dc, peer })
    }
  }
}

function addLinks(list: MetricList, links: readonly LinkLag[], where: { dc: string; peer: string }): void {
  const merged = (pick: (link: LinkLag) => SignedHistogram) => {
    const all = new SignedHistogram()
    for (const link of links) all.add(pick(link))
    return all
  }
  const upper = merged((link) => link.upper)
  const lower = merged((link) => link.lower)
  const width = merged((link) => link.width)
  const ms = (us: number | null) => (us === null ? null : us / 1000)
  for (const { name, percent } of PERCENTILES) {
    const value = ms(upper.percentileUs(percent))
    list.add(`lag_${name}`, 'ms', { value, low: ms(lower.percentileUs(percent)), high: value, n: upper.count }, where)
  }
  for (const { name, percent } of PERCENTILES) {
    if (name === 'p90' || name === 'p999') continue
    list.add(`lag_error_${name}`, 'ms', { value: ms(width.percentileUs(percent)), n: width.count }, where)
  }
  const sum = (name: Count) => links.reduce((total, link) => total + link[name], 0)
  list.add('probes_clean', 'rows', { value: sum('hits') }, where)
  list.add('overshadowed', 'rows', { value: sum('overshadowed') }, where)
  list.add('probes_open', 'rows', { value: sum('open') }, where)
  list.add('probes_dropped', 'rows', { value: sum('dropped') }, where)
}

/** Mean time from visible at home to visible there, µs, by directed link; NaN on links without clean probes. */
interface Windows {
  readonly lowUs: readonly number[]
  readonly midUs: readonly number[]
  readonly highUs: readonly number[]
}

/**
 * A write is visible at home from its commit on, which lies between send and acknowledgement, and there from some time
 * between last miss and first hit. The middle takes the middle of both; low counts from the acknowledgement to the miss,
 * high from the send to the hit: the same choices as those of the measured bounds, so that the two can be compared.
 */
export function windowsOf(lag: LagAnalysis): Windows {
  const mean = (link: LinkLag, sumUs: number) => (link.hits === 0 ? Number.NaN : sumUs / link.hits)
  return {
    lowUs: lag.links.map((link) => mean(link, link.lowSumUs)),
    midUs: lag.links.map((link) => mean(link, link.midSumUs + link.serviceSumUs / 2)),
    highUs: lag.links.map((link) => mean(link, link.highSumUs + link.serviceSumUs)),
  }
}
