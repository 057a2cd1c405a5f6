// The faults of a run as metrics, whose phase is the fault's name, and as a note on what was not judged because of them.
import type { AuditLine, FaultSummary } from '../contract/analysis.ts'
import type { AnalysedFaults, FaultOnLink } from './faults.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import { formatFigure } from './numbers.ts'

type Bounds = { readonly low: number | null; readonly high: number | null }

/** The largest of all links; n/a where one is n/a or there is none. */
function largest(all: readonly Bounds[]): Bounds {
  const most = (values: readonly (number | null)[]) =>
    values.length === 0 || values.includes(null) ? null : Math.max(...(values as number[]))
  return { low: most(all.map(({ low }) => low)), high: most(all.map(({ high }) => high)) }
}

const backlogOf = ({ catchUp, rowsPerProbe }: FaultOnLink): Bounds =>
  rowsPerProbe === null
    ? { low: null, high: null }
    : { low: Math.round(catchUp.peakLow * rowsPerProbe), high: Math.round(catchUp.peakHigh * rowsPerProbe) }
const scaled = (us: number | null, unitUs: number) => (us === null ? null : us / unitUs)
const catchUpOf = ({ catchUp }: FaultOnLink): Bounds => ({
  low: scaled(catchUp.lowUs, 1e6),
  high: scaled(catchUp.highUs, 1e6),
})
const lagOf = ({ catchUp }: FaultOnLink): Bounds => ({
  low: scaled(catchUp.lagMaxLowUs, 1e3),
  high: scaled(catchUp.lagMaxHighUs, 1e3),
})

const BY_LINK = [
  { metric: 'fault_backlog_peak', unit: 'rows', of: backlogOf },
  { metric: 'fault_catch_up', unit: 's', of: catchUpOf },
  { metric: 'fault_lag_max', unit: 'ms', of: lagOf },
] as const

/** Adds every fault_… metric; figures by link name it in `dc` and `peer`, those by DC in `dc`. */
export function addFaults(list: MetricList, run: RunData, { faults, writes }: AnalysedFaults): void {
  for (const [i, { fault, links }] of faults.entries()) {
    const phase = fault.name
    for (const { metric, unit, of } of BY_LINK) {
      const bounds = largest(links.map(of))
      list.add(metric, unit, { value: bounds.high, ...bounds }, { phase })
      for (const link of links) {
        const own = of(link)
        list.add(metric, unit, { value: own.high, ...own }, { dc: link.from, peer: link.to, phase })
      }
    }
    for (const { from, to, reported } of links) {
      if (reported === null) continue
      list.add('fault_backlog_reported', reported.unit, { value: reported.amount }, { dc: from, peer: to, phase })
    }
    const inFault = writes.inFault[i]
    const sum = (count: 'acknowledged' | 'failed' | 'unknown') => inFault.reduce((rows, dc) => rows + dc[count], 0)
    list.add('fault_outage', 's', { value: Math.max(...inFault.map((dc) => dc.outageSeconds)) }, { phase })
    for (const count of ['acknowledged', 'failed', 'unknown'] as const) {
      list.add(`fault_${count}`, 'rows', { value: sum(count) }, { phase })
    }
    for (const [d, dc] of run.dcs.entries()) {
      list.add('fault_outage', 's', { value: inFault[d].outageSeconds }, { dc, phase })
      for (const count of ['acknowledged', 'failed', 'unknown'] as const) {
        list.add(`fault_${count}`, 'rows', { value: inFault[d][count] }, { dc, phase })
      }
    }
  }
}

/** The faults as a report names them; times from the start of the measured phase. */
export function faultSummaries(run: RunData, { faults }: AnalysedFaults): FaultSummary[] {
  const since = (us: number) => (us - run.measure.startUs) / 1e6
  return faults.map(({ fault, links }) => ({
    name: fault.name,
    kind: fault.kind,
    links: links.map(({ from, to }) => ({ from, to })),
    startSeconds: since(fault.startUs),
    mendSeconds: since(fault.mendUs),
    endSeconds: since(fault.endUs),
  }))
}

/** What a reader of the verdict must know: what was judged on a part of the phase only, and what was not judged. */
export function faultNotes(run: RunData, { spans }: AnalysedFaults, audit: readonly AuditLine[]): string[] {
  const { startUs, endUs, seconds } = run.measure
  const outside = formatFigure(Math.round(spans.outsideUs(startUs, endUs) / 1e5) / 10)
  const unjudged = audit.filter((line) => line.result === 'not judged').map((line) => line.name)
  const rest = unjudged.length === 0 ? '' : ` Not judged: ${unjudged.join(', ')}.`
  return [
    `Steadiness, shortfall, unknown outcomes, probes and round trips were judged outside the faults and the catching up after them: ${outside} of ${formatFigure(seconds)} s.${rest}`,
  ]
}
