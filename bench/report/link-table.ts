// Three or more DCs: the lag of every pair as a square, from the rows to the columns, beside the delay of its link.
import { figureOf, type BenchAnalysis, type RunAnalysis, type SystemAnalysis } from '../contract/analysis.ts'
import type { Colors } from './colors.ts'
import { shortText } from './figures.ts'
import { tableLines, type Row } from './table.ts'

/** More columns than this do not fit a terminal; metrics.csv has them all. */
const DCS_MAX = 7

/** null: the link was not ours to set. */
function delayOf({ links }: RunAnalysis, from: string, to: string): number | null {
  const link = links.find((one) => one.from === from && one.to === to)
  return link === undefined || link.isUnknown === true ? null : link.delayMs
}

function lagCell(run: RunAnalysis, system: SystemAnalysis, from: string, to: string): string {
  if (from === to) return '·'
  const { value } = figureOf(system.metrics, 'lag_p50', { dc: from, peer: to })
  const delayMs = delayOf(run, from, to)
  return delayMs === null ? shortText(value) : `${shortText(value)} of ${delayMs}`
}

/** Lines of the table with an empty one before; none for two DCs, in closed loop, or where it would not fit. */
export function linkTableLines(bench: BenchAnalysis, colors: Colors, width?: number): string[] {
  const [run] = bench.runs
  const { dcs } = run
  const systems = bench.systems.filter((system) => system.rowsPerSecond !== null)
  if (dcs.length < 3 || dcs.length > DCS_MAX || systems.length === 0) return []
  const several = bench.systems.length > 1
  const rows = systems.flatMap((system): Row[] => [
    ...(several ? [{ label: system.label, cells: dcs.map(() => ''), faint: false }] : []),
    ...dcs.map((from) => ({
      label: `${several ? '  ' : ''}${from}`,
      cells: dcs.map((to) => lagCell(run, system, from, to)),
      faint: several,
    })),
  ])
  const known = run.links.every(({ isUnknown }) => isUnknown !== true)
  const group = known ? 'lag p50 ms, of which the one-way delay of the link' : 'lag p50 ms'
  return [
    '',
    ...tableLines(
      dcs.map((heading) => ({ group, heading })),
      rows,
      colors,
      width === undefined ? {} : { width },
    ),
  ]
}

/** What the replication adds to the delay of each link: the least and the most over the pairs, with the pair. */
export function beyondDelay(
  run: RunAnalysis,
  system: SystemAnalysis,
): { readonly pair: string; readonly ms: number }[] | undefined {
  const found = run.links.flatMap(({ from, to, delayMs }) => {
    const { value } = figureOf(system.metrics, 'lag_p50', { dc: from, peer: to })
    return value === null ? [] : [{ pair: `${from} to ${to}`, ms: value - delayMs }]
  })
  return found.length === run.links.length ? found.toSorted((a, b) => a.ms - b.ms) : undefined
}
