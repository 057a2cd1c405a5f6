// Visibility lag: from the acknowledgement in one DC to the first hit in another, as a bracket.
import { OUTCOME } from '../contract/outcome.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import { PHASE } from '../lib/dot.ts'
import { PROBE_STATE, PROBE_STATE_NAMES } from '../lib/ledger-format.ts'
import { SignedHistogram } from './histograms.ts'
import { leastDelaysUs } from './least-delays.ts'
import { linkIndex } from './link-index.ts'
import type { RunData } from './load.ts'
import { formatMilliseconds, formatSeconds } from './numbers.ts'
import { originOf, PHASE_UNKNOWN, probedWrites, type ProbedWrites } from './probed-writes.ts'
import type { Slices } from './slices.ts'
import { noEvidence, VisibilityEvidence } from './visibility.ts'
import { createTextFile, type TextFile } from './write-csv.ts'

const PHASE_NAMES = Object.keys(PHASE)

export const LAG_COLUMNS = [
  'from',
  'to',
  'key',
  'dot',
  'phase',
  'sent_s',
  'acked_s',
  'last_miss_s',
  'closed_s',
  'state',
  'lag_low_ms',
  'lag_ms',
] as const

/** Lags over one link in the measured phase. Counts are probes. */
export interface LinkLag {
  /** Hit − acknowledgement: the published lag, and the upper end of its bracket. */
  readonly upper: SignedHistogram
  /** Last miss − acknowledgement: the lower end. */
  readonly lower: SignedHistogram
  /** Hit − last miss: the published error. */
  readonly width: SignedHistogram
  hits: number
  overshadowed: number
  open: number
  dropped: number
  /**
   * Sums over the clean probes, for means, in µs: about visible − acknowledgement; last miss − acknowledgement;
   * hit − acknowledgement; acknowledgement − send.
   */
  midSumUs: number
  lowSumUs: number
  highSumUs: number
  serviceSumUs: number
}

export interface LagAnalysis {
  /** By origin × peer (see `linkIndex`). */
  readonly links: readonly LinkLag[]
  /** Lags of all links by the slice of the acknowledgement. */
  readonly bySlice: readonly SignedHistogram[]
  readonly evidence: VisibilityEvidence
}

/** A write whose outcome is unknown has no acknowledgement to count a lag from. */
function isAcknowledged({ outcome, phase }: ProbedWrites, i: number): boolean {
  return outcome[i] === OUTCOME.ok && phase[i] !== PHASE_UNKNOWN
}

/**
 * Reads every probe for what bounds the visibility of writes that no probe saw.
 * @param endUs when the last write was sent.
 * @param first the first probes, joined.
 */
export function gatherEvidence(run: RunData, endUs: number, first: ProbedWrites): VisibilityEvidence {
  const { scenario, system, faults } = run.stored
  const floorsUs = leastDelaysUs(scenario.topology, faults)
  const evidence = new VisibilityEvidence(noEvidence(floorsUs, endUs, system.capabilities.ordered))
  for (const probes of probedWrites(run, first)) {
    for (let i = 0; i < probes.count; i++) {
      const link = linkIndex(run.dcs.length, originOf(probes, i), probes.peer[i])
      if (isAcknowledged(probes, i)) evidence.add(link, probes, i)
    }
  }
  evidence.complete()
  return evidence
}

/** Counts every probe, and writes lag.csv on the way; `first` are the first probes, joined. */
export function readLag(run: RunData, slices: Slices, first: ProbedWrites): Omit<LagAnalysis, 'evidence'> {
  const links = Array.from({ length: run.dcs.length ** 2 }, newLinkLag)
  const bySlice = Array.from({ length: slices.count }, () => new SignedHistogram())
  using csv = createTextFile(run.folder, RUN_FILES.lag)
  csv.write(`${LAG_COLUMNS.join(',')}\n`)
  for (const probes of probedWrites(run, first)) {
    for (let i = 0; i < probes.count; i++) {
      writeLine(run, probes, i, csv)
      const link = linkIndex(run.dcs.length, originOf(probes, i), probes.peer[i])
      if (!isAcknowledged(probes, i) || probes.phase[i] !== PHASE.measure) continue
      countProbe(links[link], probes, i, bySlice, slices)
    }
  }
  csv.finish()
  return { links, bySlice }
}

function newLinkLag(): LinkLag {
  return {
    upper: new SignedHistogram(),
    lower: new SignedHistogram(),
    width: new SignedHistogram(),
    hits: 0,
    overshadowed: 0,
    open: 0,
    dropped: 0,
    midSumUs: 0,
    lowSumUs: 0,
    highSumUs: 0,
    serviceSumUs: 0,
  }
}

/** When the last read that did not show the write was sent; it cannot have been visible before it was sent. */
function missUs(probes: ProbedWrites, i: number): number {
  const miss = probes.missSentUs[i]
  return Number.isNaN(miss) ? probes.sentUs[i] : Math.max(miss, probes.sentUs[i])
}

function countProbe(
  link: LinkLag,
  probes: ProbedWrites,
  i: number,
  bySlice: readonly SignedHistogram[],
  slices: Slices,
): void {
  const state = probes.state[i]
  if (state === PROBE_STATE.overshadowed) link.overshadowed++
  else if (state === PROBE_STATE.open) link.open++
  else if (state === PROBE_STATE.dropped) link.dropped++
  if (state !== PROBE_STATE.hit) return
  const acked = probes.ackedUs[i]
  const miss = missUs(probes, i)
  const hit = probes.hitReturnedUs[i]
  link.hits++
  link.upper.record(hit - acked)
  link.lower.record(miss - acked)
  link.width.record(hit - miss)
  // A hit on the first read is close to the end of its bracket, since reads begin when the write is expected.
  link.midSumUs += (Number.isNaN(probes.missSentUs[i]) ? hit : (hit + miss) / 2) - acked
  link.serviceSumUs += acked - probes.sentUs[i]
  link.lowSumUs += miss - acked
  link.highSumUs += hit - acked
  const slice = slices.at(acked)
  if (slice >= 0) bySlice[slice].record(hit - acked)
}

function writeLine(run: RunData, probes: ProbedWrites, i: number, csv: TextFile): void {
  const acked = probes.ackedUs[i]
  const hit = probes.state[i] === PROBE_STATE.hit
  const phase = PHASE_NAMES[probes.phase[i]] ?? 'unknown'
  const names = `${run.dcs[originOf(probes, i)]},${run.dcs[probes.peer[i]]},${probes.key[i]},${probes.dot[i]},${phase}`
  const times = `${formatSeconds(probes.sentUs[i])},${formatSeconds(acked)},${formatSeconds(probes.missSentUs[i])},${formatSeconds(probes.hitReturnedUs[i])}`
  const lags = hit
    ? `${formatMilliseconds(missUs(probes, i) - acked)},${formatMilliseconds(probes.hitReturnedUs[i] - acked)}`
    : ','
  csv.write(`${names},${times},${PROBE_STATE_NAMES[probes.state[i]] ?? 'unknown'},${lags}\n`)
}
