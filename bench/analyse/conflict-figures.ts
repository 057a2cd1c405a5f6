// Conflicts, discards and losses as metrics, with the prediction beside them and whether the two agree.
import type { ConflictBasis, Figure } from '../contract/analysis.ts'
import { PREDICTION_TOLERANCE } from './audit-table.ts'
import { isExact } from './conflict-exact.ts'
import type { Conflicts, Counts } from './conflicts.ts'
import { addCounters } from './counter-figures.ts'
import type { KeySpace } from './key-space.ts'
import { windowsOf } from './lag-figures.ts'
import type { LagAnalysis } from './lag.ts'
import { linkIndex } from './link-index.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import type { Prediction } from './prediction.ts'
import { batchMeansHalfWidth } from './statistics.ts'

/** How the conflict figures were found: exactly, or as their bounds. */
export function conflictBasis(keySpace: KeySpace): ConflictBasis {
  return isExact(keySpace.exactness) ? 'exact' : boundsBasis(keySpace)
}

/** How the bounds were found: the weakest evidence that any write needed. */
export function boundsBasis({ sources }: KeySpace): ConflictBasis {
  if (sources.none > 0) return 'unknown'
  if (sources.second + sources.neighbours + sources.phase > 0) return 'estimated'
  return sources.order > 0 ? 'ordered' : 'probed'
}

/** Adds conflicts by kind. Where nothing bounds when writes became visible, the middle is n/a and the bounds stay. */
export function addConflicts(list: MetricList, run: RunData, keySpace: KeySpace, basis: ConflictBasis): void {
  const { conflicts } = keySpace
  const { seconds } = run.measure
  const { capabilities } = run.stored.system
  const figure = (counts: Counts, of: number, n: number): Figure => {
    if (of === 0) return { value: null, low: null, high: null, n }
    const [sure, middle, possible, exact] = counts
    if (basis === 'exact') return { value: exact / of, low: sure / of, high: possible / of, n }
    const high = Math.max(possible, sure)
    // Writes that one place puts in a row are never concurrent; reads elsewhere can at most contradict that.
    const value = capabilities.conflicts === 'none' ? (sure === 0 ? 0 : null) : Math.min(high, Math.max(sure, middle))
    return {
      value: basis === 'unknown' ? null : value === null ? null : value / of,
      low: sure / of,
      high: high / of,
      n,
    }
  }
  const total = (pick: 'inConflict' | 'discarded'): Counts => {
    const sum: Counts = [0, 0, 0, 0]
    for (const dc of conflicts.byDc) for (const c of sum.keys()) sum[c] += dc[pick][c]
    return sum
  }
  const stored = conflicts.byDc.reduce((sum, dc) => sum + dc.stored, 0)
  list.add('conflict_share', 'ratio', figure(total('inConflict'), stored, stored))
  for (const [d, dc] of conflicts.byDc.entries()) {
    list.add('conflict_share', 'ratio', figure(dc.inConflict, dc.stored, dc.stored), { dc: run.dcs[d] })
  }
  list.add('conflict_pairs', '1/s', figure(conflicts.pairs, seconds, stored))
  for (const [d, dc] of run.dcs.entries()) {
    for (const [e, peer] of run.dcs.entries()) {
      if (d >= e) continue
      const both = conflicts.byDc[d].stored + conflicts.byDc[e].stored
      const pairs = conflicts.pairsOfDcs[linkIndex(run.dcs.length, d, e)]
      list.add('conflict_pairs', '1/s', figure(pairs, seconds, both), { dc, peer })
    }
  }
  list.add('conflict_keys', '1/s', figure(conflicts.keys, seconds, stored))
  const reported = run.stored.counters?.conflictsReported
  list.add('conflicts_reported', 'rows', { value: reported?.count ?? null }, { phase: 'run' })
  const discards = capabilities.conflicts !== 'merge'
  list.add('discarded', 'rows', discards ? figure(total('discarded'), 1, stored) : { n: stored })
  addLosses(list, run, keySpace, basis, stored)
}

function addLosses(list: MetricList, run: RunData, keySpace: KeySpace, basis: ConflictBasis, stored: number): void {
  const { lostUpdates, lostWrites } = keySpace
  // Of counters the updates are what was added, over the whole run: bench/analyse/counter-figures.ts.
  if (keySpace.fates.counterSums !== null) addCounters(list, run, keySpace)
  else if (lostUpdates === null) list.add('lost_updates', 'rows', { n: stored })
  else {
    const serial = run.stored.system.capabilities.conflicts === 'none'
    const value = basis === 'unknown' && !serial ? null : lostUpdates[1]
    list.add('lost_updates', 'rows', {
      value,
      low: Math.min(...lostUpdates),
      high: Math.max(...lostUpdates),
      n: stored,
    })
  }
  list.add('lost_writes', 'rows', { value: lostWrites?.inSome ?? null }, { phase: 'run' })
  list.add('lost_writes_everywhere', 'rows', { value: lostWrites?.inAll ?? null }, { phase: 'run' })
  for (const [d, dc] of run.dcs.entries()) {
    list.add('lost_writes', 'rows', { value: lostWrites?.writtenBy[d] ?? null }, { dc, phase: 'run' })
    list.add('lost_writes', 'rows', { value: lostWrites?.missingIn[d] ?? null }, { peer: dc, phase: 'run' })
  }
}

/** Adds the prediction; returns a warning when it is far from what was measured, beyond all bounds and sampling error. */
export function addPrediction(
  list: MetricList,
  run: RunData,
  keySpace: KeySpace,
  lag: LagAnalysis,
  basis: ConflictBasis,
): string | null {
  const { conflicts, acknowledges } = run.stored.system.capabilities
  const predicted =
    conflicts !== 'none' && acknowledges === 'local' && basis !== 'unknown' ? predict(run, keySpace, lag) : null
  const figure = (pick: (prediction: Prediction) => number | null): Partial<Figure> =>
    predicted === null ? {} : { value: pick(predicted.middle), low: pick(predicted.low), high: pick(predicted.high) }
  const share = figure((prediction) => prediction.share)
  list.add('conflict_share_predicted', 'ratio', share)
  for (const [d, dc] of run.dcs.entries())
    list.add(
      'conflict_share_predicted',
      'ratio',
      figure((p) => p.shareByDc[d]),
      { dc },
    )
  list.add(
    'conflict_pairs_predicted',
    '1/s',
    figure((prediction) => prediction.pairsPerSecond),
  )
  list.add(
    'conflict_keys_predicted',
    '1/s',
    figure((prediction) => prediction.keysPerSecond),
  )
  const { value, low, high } = list.metrics.find((m) => m.metric === 'conflict_share' && m.dc === '') ?? {}
  if (share.value == null || value == null || low == null || high == null) return null
  const error = samplingError(keySpace.conflicts)
  list.add('conflict_share_sampling_error', 'ratio', { value: error })
  if (error === null || share.low == null || share.high == null) return null
  const above = low - error > share.high * (1 + PREDICTION_TOLERANCE)
  const below = high + error < share.low * (1 - PREDICTION_TOLERANCE)
  // Writers that take turns are not meant to be independent: the prediction stands beside their 0 as what it would have been.
  if ((!above && !below) || run.stored.scenario.takesTurns === true) return null
  const percent = (part: number) => `${(part * 100).toPrecision(3)} %`
  return `Conflicts are far from what independent writers would give: ${percent(value)} of the writes measured, ${percent(share.value)} predicted. Writers that depend on each other, bursts, or lags that vary with the key do that.`
}

/** Half-width of the 95 % interval of the measured share, from the shares of the slices. */
function samplingError(conflicts: Conflicts): number | null {
  const shares = [...conflicts.storedBySlice].map((stored, slice) =>
    stored === 0 ? Number.NaN : conflicts.inConflictBySlice[slice] / stored,
  )
  return batchMeansHalfWidth(shares)
}

function predict(
  run: RunData,
  keySpace: KeySpace,
  lag: LagAnalysis,
): { low: Prediction; middle: Prediction; high: Prediction } | null {
  const { lowUs, midUs, highUs } = windowsOf(lag)
  const dcCount = run.dcs.length
  for (let d = 0; d < dcCount; d++) {
    for (let e = 0; e < dcCount; e++) if (d !== e && Number.isNaN(midUs[linkIndex(dcCount, d, e)])) return null
  }
  const lengthUs = run.measure.seconds * 1e6
  return {
    low: keySpace.counts.predict(lowUs, lengthUs),
    middle: keySpace.counts.predict(midUs, lengthUs),
    high: keySpace.counts.predict(highUs, lengthUs),
  }
}
