// Throughput and times of the measured phase as metrics, by DC and over all.
import type { Histogram } from 'hdr-histogram-js'
import { newHistogram, percentileUs, PERCENTILES } from './histograms.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import { wilson } from './statistics.ts'
import type { DcTraffic, Traffic } from './traffic.ts'
import type { VisibleCounts } from './visible-share.ts'

/** What the schedule asked for in the measured phase, in rows. */
interface Offer {
  readonly offered: number
  readonly dropped: number
}

/** Of one DC, or of all. */
export function offerOf(run: RunData, dc?: string): Offer {
  const workers = run.stored.workers.filter(
    (worker) => worker.phase === 'measure' && (dc === undefined || worker.dc === dc),
  )
  return {
    offered: workers.reduce((sum, worker) => sum + worker.offered, 0),
    dropped: workers.reduce((sum, worker) => sum + worker.dropped, 0),
  }
}

type CountName =
  | 'acknowledged'
  | 'acknowledgedInTime'
  | 'coalesced'
  | 'failed'
  | 'unknown'
  | 'unknownReplaced'
  | 'declined'

/** The sum of one count over all DCs. */
export function sumOf(traffic: Traffic, name: CountName): number {
  return traffic.byDc.reduce((sum, dc) => sum + dc[name], 0)
}

/** Adds offered, acknowledged, failed, unknown, dropped, coalesced, declined and the response, service and slip times. */
export function addTraffic(list: MetricList, run: RunData, traffic: Traffic): void {
  const { seconds } = run.measure
  const merged = (pick: (dc: DcTraffic) => Histogram) => {
    const all = newHistogram()
    for (const dc of traffic.byDc) if (pick(dc).totalCount > 0) all.add(pick(dc))
    return all
  }
  const scopes = [
    {
      dc: '',
      offer: offerOf(run),
      count: (name: CountName) => sumOf(traffic, name),
      response: merged((dc) => dc.response),
      service: merged((dc) => dc.service),
    },
    ...run.dcs.map((dc, d) => ({
      dc,
      offer: offerOf(run, dc),
      count: (name: CountName) => traffic.byDc[d][name],
      response: traffic.byDc[d].response,
      service: traffic.byDc[d].service,
    })),
  ]
  for (const { dc, offer, count, response, service } of scopes) {
    const where = { dc }
    list.add('offered', 'rows/s', { value: offer.offered / seconds, n: offer.offered }, where)
    list.add(
      'acknowledged',
      'rows/s',
      { value: count('acknowledgedInTime') / seconds, n: count('acknowledgedInTime') },
      where,
    )
    list.add('failed', 'rows', { value: count('failed') }, where)
    const unknown = count('unknown')
    list.add('unknown', 'rows', { value: unknown, low: unknown - count('unknownReplaced'), high: unknown }, where)
    list.add('dropped', 'rows', { value: offer.dropped }, where)
    list.add('coalesced', 'rows', { value: count('coalesced') }, where)
    list.add('declined', 'rows', { value: count('declined') }, where)
    addPercentiles(list, 'response', response, dc)
    addPercentiles(list, 'service', service, dc)
    addSlip(list, run, dc)
  }
}

function addPercentiles(list: MetricList, name: string, histogram: Histogram, dc: string): void {
  for (const percentile of PERCENTILES) {
    const us = percentileUs(histogram, percentile.percent)
    list.add(
      `${name}_${percentile.name}`,
      'ms',
      { value: us === null ? null : us / 1000, n: histogram.totalCount },
      { dc },
    )
  }
}

/** Slip is known by writer; over several, the worst writer's figure is stated. */
function addSlip(list: MetricList, run: RunData, dc: string): void {
  const workers = run.stored.workers.filter((worker) => worker.phase === 'measure' && (dc === '' || worker.dc === dc))
  const n = offerOf(run, dc === '' ? undefined : dc).offered
  const worst = (values: readonly (number | null)[]) => {
    const known = values.flatMap((value) => (value === null ? [] : [value]))
    return { value: known.length === 0 ? null : Math.max(...known), n }
  }
  list.add('slip_p50', 'ms', worst(workers.map((worker) => worker.slipP50Ms)), { dc })
  list.add('slip_p99', 'ms', worst(workers.map((worker) => worker.slipP99Ms)), { dc })
  list.add('slip_max', 'ms', worst(workers.map((worker) => worker.slipMaxMs)), { dc })
}

/**
 * Adds `visible`: rows acknowledged within the phase × the share of the probed ones that every DC showed by its end. The
 * bounds take in the brackets of the probes, and Wilson's interval where only a sample was probed.
 */
export function addVisible(list: MetricList, run: RunData, traffic: Traffic, visible: readonly VisibleCounts[]): void {
  const rates = visible.map((counts, d) => {
    const { acknowledgedInTime, coalesced } = traffic.byDc[d]
    const rate = acknowledgedInTime / run.measure.seconds
    const { probed, shown, possible } = counts
    if (probed === 0) return { value: null, low: null, high: null, n: 0 }
    const all = probed >= acknowledgedInTime - coalesced
    const low = all ? shown / probed : wilson(shown, probed).low
    const high = all ? possible / probed : wilson(possible, probed).high
    return { value: (rate * shown) / probed, low: rate * low, high: rate * high, n: probed }
  })
  const sum = (pick: (rate: (typeof rates)[number]) => number | null) =>
    rates.reduce<number | null>((total, rate) => {
      const part = pick(rate)
      return total === null || part === null ? null : total + part
    }, 0)
  const n = rates.reduce((total, rate) => total + rate.n, 0)
  list.add('visible', 'rows/s', { value: sum((r) => r.value), low: sum((r) => r.low), high: sum((r) => r.high), n })
  for (const [d, rate] of rates.entries()) list.add('visible', 'rows/s', rate, { dc: run.dcs[d] })
}
