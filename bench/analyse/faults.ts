// What each fault of a run did and how long it took to catch up with it, and which parts of the run they leave untouched.
import type { FaultFacts } from '../contract/fault.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import { catchUpOf, type CalmTime, type CatchUp, type FaultSpan } from './catch-up.ts'
import { FaultSpans } from './fault-spans.ts'
import { readFaultWrites, type FaultWrites } from './fault-writes.ts'
import { linkIndex } from './link-index.ts'
import type { RunData } from './load.ts'
import { readCsv } from './raw-csv.ts'
import { readProbeLags, type LinkProbes } from './probe-lags.ts'
import type { ProbedWrites } from './probed-writes.ts'
import type { Traffic } from './traffic.ts'

/** A client that could send nothing for longer has so many rows to send at once that it is late with them. */
const STOOD_STILL_SECONDS = 0.2

/** A calm time shorter than this says too little of the usual backlog. */
const CALM_US_MIN = 1e6

/** The store's word for what was still to replicate over a link, at its most. */
interface ReportedPeak {
  readonly amount: number
  readonly unit: string
}

/** One fault on one link. Amounts of rows are estimates from the probed share of the link's stored writes. */
export interface FaultOnLink {
  readonly from: string
  readonly to: string
  readonly catchUp: CatchUp
  readonly rowsPerProbe: number | null
  readonly reported: ReportedPeak | null
}

interface AnalysedFault {
  readonly fault: FaultFacts
  /** The links that lead from or to a DC that was hit; empty where the store cannot be read. */
  readonly links: readonly FaultOnLink[]
  /** When all of them had caught up, or when the next fault began or the phase ended before that. */
  readonly caughtUpUs: number
}

export interface AnalysedFaults {
  readonly faults: readonly AnalysedFault[]
  readonly writes: FaultWrites
  readonly spans: FaultSpans
  /** A DC acknowledged nothing for so long that its rows piled up in the client. */
  readonly stoodStill: boolean
  /** Of the writes acknowledged outside the spans: how many were probed, and how many of those were seen. */
  readonly probed: { readonly asked: number; readonly answered: number }
}

/** When a link had caught up, or the next fault began before that. */
function caughtUpAt({ highUs }: CatchUp, { endUs, untilUs }: FaultSpan): number {
  return highUs === null ? untilUs : endUs + highUs
}

/** Nothing where the run had no fault; `first` are the first probes, joined. */
export function analyseFaults(run: RunData, traffic: Traffic, first: ProbedWrites): AnalysedFaults | undefined {
  const { faults: facts = [], system } = run.stored
  if (facts.length === 0) return undefined
  const probes = system.capabilities.readable ? readProbeLags(run, first) : []
  const samples = readCsv(run, RUN_FILES.links)
  let calm: CalmTime = { fromUs: run.measure.startUs, untilUs: facts[0].startUs }
  const faults: AnalysedFault[] = []
  for (const fault of facts) {
    const busyUntilUs = Math.max(run.measure.startUs, ...faults.map(({ caughtUpUs }) => caughtUpUs))
    // A fault that begins while another is being caught up with, or just after, is compared with the time before both.
    if (fault.startUs - busyUntilUs > CALM_US_MIN) calm = { fromUs: busyUntilUs, untilUs: fault.startUs }
    const untilUs = Math.min(...facts.filter((other) => other.startUs > fault.endUs).map((other) => other.startUs))
    const span = { calm, startUs: fault.startUs, endUs: fault.endUs, untilUs }
    const links = linksOf(run, fault, probes).map(({ from, to, own }): FaultOnLink => {
      const catchUp = catchUpOf(own, span)
      const reported = reportedPeak(samples, from, to, fault.startUs, caughtUpAt(catchUp, span))
      const stored = traffic.byDc[run.dcs.indexOf(from)].stored
      return {
        from,
        to,
        catchUp,
        rowsPerProbe: own.ackedUs.length === 0 ? null : stored / own.ackedUs.length,
        reported,
      }
    })
    const lastUs = Math.max(fault.endUs, ...links.map(({ catchUp }) => caughtUpAt(catchUp, span)))
    faults.push({ fault, links, caughtUpUs: Math.min(lastUs, Math.max(fault.endUs, run.measure.endUs)) })
  }
  const spans = new FaultSpans(faults.map(({ fault, caughtUpUs }) => ({ startUs: fault.startUs, endUs: caughtUpUs })))
  const caughtUp = faults.map(({ caughtUpUs }) => caughtUpUs)
  const writes = readFaultWrites(run, facts, caughtUp, spans)
  const stoodStill = writes.inFault.flat().some((dc) => dc.outageSeconds > STOOD_STILL_SECONDS)
  return { faults, writes, spans, stoodStill, probed: probedOutside(probes, spans) }
}

function linksOf(run: RunData, fault: FaultFacts, probes: readonly LinkProbes[]) {
  return run.dcs.flatMap((from, f) =>
    run.dcs.flatMap((to, t) => {
      const own = probes[linkIndex(run.dcs.length, f, t)]
      const hit = from !== to && (fault.dcs.includes(from) || fault.dcs.includes(to))
      return hit && own !== undefined ? [{ from, to, own }] : []
    }),
  )
}

function reportedPeak(
  samples: ReturnType<typeof readCsv<typeof RUN_FILES.links>>,
  from: string,
  to: string,
  startUs: number,
  endUs: number,
): ReportedPeak | null {
  let peak: ReportedPeak | null = null
  for (const row of samples) {
    const us = Number(row.at_s) * 1e6
    const { backlog, backlog_unit: unit } = row
    if (row.from !== from || row.to !== to || us < startUs || us > endUs || backlog === '') continue
    if (peak === null || Number(backlog) > peak.amount) peak = { amount: Number(backlog), unit }
  }
  return peak
}

function probedOutside(probes: readonly LinkProbes[], spans: FaultSpans): AnalysedFaults['probed'] {
  let asked = 0
  let answered = 0
  for (const { ackedUs, latestUs } of probes) {
    for (let i = 0; i < ackedUs.length; i++) {
      if (spans.touch(ackedUs[i], ackedUs[i])) continue
      asked++
      if (latestUs[i] !== Number.POSITIVE_INFINITY) answered++
    }
  }
  return { asked, answered }
}
