// How far replication over one link fell behind in a fault, and when it had caught up: from probed writes alone.
import { median } from 'simple-statistics'
import type { LinkProbes } from './probe-lags.ts'

/** Lags are judged by the median of this many writes in a row. */
const LAG_RUN = 11
/** Caught up means a lag no longer than this many times that of before. */
const LAG_TIMES = 2
/** The level before a fault is looked for in no more than this. */
const BEFORE_US = 5e6

/** A calm time, µs since the epoch. */
export interface CalmTime {
  readonly fromUs: number
  readonly untilUs: number
}

/** A fault as far as it matters here, µs since the epoch: when it began, was over, and when the next one begins. */
export interface FaultSpan {
  /** What it is compared with: the time before it in which no other fault was being caught up with. */
  readonly calm: CalmTime
  readonly startUs: number
  readonly endUs: number
  readonly untilUs: number
}

/** Low and high come from the two ends of the probes' brackets. */
export interface CatchUp {
  /** Most probed writes acknowledged and not yet visible. */
  readonly peakLow: number
  readonly peakHigh: number
  /** From the end of the fault; null where it had not caught up before the next fault or the end of the run. */
  readonly lowUs: number | null
  readonly highUs: number | null
  /** The longest lag of the writes that were under way in the fault or the catching up; null without any. */
  readonly lagMaxLowUs: number | null
  readonly lagMaxHighUs: number | null
}

/** Acknowledged and not yet visible, as steps over time. */
interface Steps {
  readonly atUs: Float64Array
  readonly level: Float64Array
}

export function catchUpOf(probes: LinkProbes, fault: FaultSpan): CatchUp {
  const { ackedUs, earliestUs, latestUs } = probes
  const low = sideOf(ackedUs, earliestUs, fault)
  const high = sideOf(ackedUs, latestUs, fault)
  const highUs = high.backUs === null ? null : high.backUs - fault.endUs
  const caughtUpUs = high.backUs ?? fault.untilUs
  return {
    peakLow: low.peak,
    peakHigh: high.peak,
    lowUs: low.backUs === null || highUs === null ? null : Math.min(highUs, low.backUs - fault.endUs),
    highUs,
    lagMaxLowUs: longestLag(ackedUs, earliestUs, fault.startUs, caughtUpUs),
    lagMaxHighUs: longestLag(ackedUs, latestUs, fault.startUs, caughtUpUs),
  }
}

function sideOf(ackedUs: Float64Array, seenUs: Float64Array, { calm, startUs, endUs, untilUs }: FaultSpan) {
  const steps = stepsOf(ackedUs, seenUs)
  const before = highest(steps, Math.max(calm.fromUs, calm.untilUs - BEFORE_US), calm.untilUs)
  const levelBackUs = firstAtOrBelow(steps, before, endUs)
  const lagBackUs = lagBack(ackedUs, seenUs, calm, endUs)
  const backUs = levelBackUs === null || lagBackUs === null ? null : Math.max(levelBackUs, lagBackUs)
  return {
    peak: highest(steps, startUs, Math.min(untilUs, backUs ?? untilUs)),
    backUs: backUs === null || backUs > untilUs ? null : backUs,
  }
}

function stepsOf(ackedUs: Float64Array, seenUs: Float64Array): Steps {
  const seen = seenUs.filter((us) => us !== Number.POSITIVE_INFINITY).toSorted()
  const atUs = new Float64Array(ackedUs.length + seen.length)
  const level = new Float64Array(atUs.length)
  for (let i = 0, a = 0, s = 0; i < atUs.length; i++) {
    const arrives = a < ackedUs.length && (s === seen.length || ackedUs[a] <= seen[s])
    atUs[i] = arrives ? ackedUs[a++] : seen[s++]
    level[i] = a - s
  }
  return { atUs, level }
}

/** The place of the first step after a time. */
function firstAfter(atUs: Float64Array, us: number): number {
  let [low, high] = [0, atUs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (atUs[middle] <= us) low = middle + 1
    else high = middle
  }
  return low
}

function highest({ atUs, level }: Steps, fromUs: number, toUs: number): number {
  let i = firstAfter(atUs, fromUs)
  let most = i === 0 ? 0 : level[i - 1]
  for (; i < atUs.length && atUs[i] <= toUs; i++) most = Math.max(most, level[i])
  return most
}

function firstAtOrBelow({ atUs, level }: Steps, wanted: number, fromUs: number): number | null {
  let i = firstAfter(atUs, fromUs)
  if (i === 0 || level[i - 1] <= wanted) return fromUs
  for (; i < atUs.length; i++) if (level[i] <= wanted) return atUs[i]
  return null
}

/** From when on writes arrive as fast as before; the fault's end where too few are left to say otherwise. */
function lagBack(ackedUs: Float64Array, seenUs: Float64Array, calm: CalmTime, endUs: number): number | null {
  const lagsOf = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => seenUs[from + i] - ackedUs[from + i])
  const before = lagsOf(firstAfter(ackedUs, calm.fromUs), firstAfter(ackedUs, calm.untilUs)).filter(Number.isFinite)
  const first = firstAfter(ackedUs, endUs)
  if (before.length === 0 || ackedUs.length - first < LAG_RUN) return endUs
  const allowedUs = LAG_TIMES * median(before)
  for (let i = first; i + LAG_RUN <= ackedUs.length; i++) {
    if (median(lagsOf(i, i + LAG_RUN)) <= allowedUs) return i === first ? endUs : ackedUs[i]
  }
  return null
}

function longestLag(ackedUs: Float64Array, seenUs: Float64Array, startUs: number, caughtUpUs: number): number | null {
  let longest: number | null = null
  for (let i = 0; i < ackedUs.length && ackedUs[i] <= caughtUpUs; i++) {
    if (seenUs[i] < startUs || seenUs[i] === Number.POSITIVE_INFINITY) continue
    longest = Math.max(longest ?? 0, seenUs[i] - ackedUs[i])
  }
  return longest
}
