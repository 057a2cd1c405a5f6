// What a bench prints at its end: one line of what was measured, the table, what it means, and the verdict.
import { figureOf, type BenchAnalysis, type RunAnalysis, type SystemAnalysis } from '../contract/analysis.ts'
import type { Colors } from './colors.ts'
import { faultSentences } from './fault-lines.ts'
import { NOT_KNOWN, percentText, shortText, wholeText } from './figures.ts'
import { linkTableLines } from './link-table.ts'
import { meaningOf } from './meaning.ts'
import { plantedTableLines } from './planted-table.ts'
import { unpublishable } from './wait-sentences.ts'
import { tableLines, type Column, type Row } from './table.ts'
import { wrapText } from './wrap.ts'

type Bound = 'value' | 'low' | 'high'

interface TableColumn extends Column {
  readonly metric: string
  readonly text: (value: number | null) => string
  /** A schedule is needed for it to mean anything: n/a in closed loop. */
  readonly openLoopOnly?: boolean
}

const COLUMNS: readonly TableColumn[] = [
  { group: 'offered', heading: 'rows/s', metric: 'offered', text: wholeText },
  { group: 'acked', heading: 'rows/s', metric: 'acknowledged', text: wholeText },
  { group: 'visible', heading: 'rows/s', metric: 'visible', text: wholeText },
  { group: 'response ms', heading: 'p50', metric: 'response_p50', text: shortText, openLoopOnly: true },
  { group: 'response ms', heading: 'p99', metric: 'response_p99', text: shortText, openLoopOnly: true },
  { group: 'lag ms', heading: 'p50', metric: 'lag_p50', text: shortText, openLoopOnly: true },
  { group: 'lag ms', heading: 'p99', metric: 'lag_p99', text: shortText, openLoopOnly: true },
  { group: 'conflicts', heading: 'share', metric: 'conflict_share', text: percentText },
  { group: 'conflicts', heading: 'predicted', metric: 'conflict_share_predicted', text: percentText },
  { group: 'lost', heading: 'rows', metric: 'lost_writes', text: wholeText },
  { group: 'converged', heading: 'in s', metric: 'convergence', text: shortText },
  { group: 'WAN', heading: '×', metric: 'wan_bytes', text: shortText },
  { group: 'write', heading: 'ampl.', metric: 'write_amplification', text: shortText },
]
/** Beside an exact share, what visibility alone bounds it by. */
const BOUNDS: Column = { group: 'conflicts', heading: '[min..max]' }
/** The longest line of a sentence, and the shortest one that a narrow terminal makes it. */
const LINE_WIDTH = 118
const LINE_WIDTH_MIN = 40

/**
 * The report as text that ends in a line break. `folder` is how the reader finds the bench folder, `width` that of the
 * terminal in characters; without one, tables are as wide as they are.
 */
export function renderBench(bench: BenchAnalysis, folder: string, colors: Colors, width?: number): string {
  const lineWidth = Math.min(LINE_WIDTH, Math.max(width ?? LINE_WIDTH, LINE_WIDTH_MIN))
  const within = width === undefined ? {} : { width }
  const exact = bench.systems.some((system) => system.conflictBasis === 'exact')
  const after = COLUMNS.findIndex(({ metric }) => metric === 'conflict_share') + 1
  const withBounds = <T>(items: readonly T[], bounds: T): T[] =>
    exact ? items.toSpliced(after, 0, bounds) : [...items]
  const rows = bench.systems.flatMap((system) =>
    systemRows(system).map((row, i) => ({ ...row, cells: withBounds(row.cells, i === 0 ? boundsText(system) : '') })),
  )
  const paragraphs = [
    ...wrapText(colors.strong(headline(bench)), lineWidth, ''),
    ...tableLines(withBounds<Column>(COLUMNS, BOUNDS), rows, colors, within),
    ...linkTableLines(bench, colors, width),
    ...plantedTableLines(bench, colors, width),
    '',
    ...[...faultSentences(bench), ...meaningOf(bench)].flatMap((sentence) => wrapText(sentence, lineWidth, '  ')),
    ...verdictLines(bench, folder, colors, lineWidth),
  ]
  return `${paragraphs.join('\n')}\n`
}

/** Conflicts whose bounds lean on other writes' probes are marked in the table too. */
function isEstimate(system: SystemAnalysis, metric: string): boolean {
  const known = (figureOf(system.metrics, metric).value ?? 0) > 0
  return metric === 'conflict_share' && system.conflictBasis === 'estimated' && known
}

function boundsText(system: SystemAnalysis): string {
  const { low, high } = figureOf(system.metrics, 'conflict_share')
  if (system.conflictBasis !== 'exact' || system.runs.length > 1) return ''
  const percent = (share: number | null) => percentText(share).replace(' %', '')
  return `[${percent(low)}..${percent(high)}]`
}

function systemRows(system: SystemAnalysis): Row[] {
  const closedLoop = system.rowsPerSecond === null
  const cells = (bound: Bound) =>
    COLUMNS.map(({ metric, text, openLoopOnly }) =>
      closedLoop && openLoopOnly === true
        ? NOT_KNOWN
        : `${isEstimate(system, metric) ? '~' : ''}${text(figureOf(system.metrics, metric)[bound])}`,
    )
  const rows: Row[] = [{ label: system.label, cells: cells('value'), faint: false }]
  const runs = system.runs.length
  if (runs > 1) {
    rows.push({ label: `  lowest of ${runs}`, cells: cells('low'), faint: true })
    rows.push({ label: `  highest of ${runs}`, cells: cells('high'), faint: true })
  }
  return rows
}

/** What was measured: workload, size, WAN, rate, seed. */
function headline(bench: BenchAnalysis): string {
  const [first] = bench.runs
  const rates = [...new Set(bench.systems.map((system) => system.rowsPerSecond))]
  const rate =
    rates.length > 1
      ? 'each at its own rate'
      : rates[0] === null
        ? 'closed loop'
        : `${wholeText(rates[0] ?? null)} rows/s`
  const parts = [bench.workload, `${wholeText(first.rows)} rows`, wanText(first), rate, `seed ${first.seed}`]
  return [...parts, ...(bench.runs.some((run) => run.quick) ? ['quick'] : [])].join(' · ')
}

function wanText(run: RunAnalysis): string {
  const among = (values: readonly number[], unit: string, after = '') => {
    const [least, most] = [Math.min(...values), Math.max(...values)]
    return most === 0 ? '' : `${least === most ? least : `${least}–${most}`} ${unit}${after}`
  }
  const { links } = run
  if (links.some(({ isUnknown }) => isUnknown === true)) return `${run.dcs.join(' ⇄ ')}${fromHarness(run)}`
  const delays = new Set(links.map((link) => link.delayMs))
  const each = delays.size === 1 ? `${links[0].delayMs} ms each way` : among([...delays], 'ms one way')
  const jitter = among(
    links.map((link) => link.jitterMs ?? 0),
    'ms',
  )
  const limits = links.flatMap(({ bandwidthBytesPerSecond: limit }) => (limit === undefined ? [] : [limit / 1e6]))
  const limit = limits.length === 0 ? '' : `, ${among(limits, 'MB/s')}${limits.length < links.length ? ' on some' : ''}`
  return `${run.dcs.join(' ⇄ ')} ${each}${jitter === '' ? '' : ` ± ${jitter}`}${limit}${measuredText(run, delays.size === 1)}`
}

/** How far servers that are not ours are from the harness. */
function fromHarness({ dcs, metrics }: RunAnalysis): string {
  const trips = dcs.flatMap((dc) => {
    const trip = metrics.find((m) => m.metric === 'rtt_p50' && m.phase === 'during' && m.peer === dc)
    return trip === undefined ? [] : [`${dc} ${shortText(trip.value)} ms`]
  })
  return trips.length === 0 ? '' : ` (RTT from the harness: ${trips.join(', ')} p50)`
}

/** The round trips that the links really had: as they were where all are alike, else how far the worst was off. */
function measuredText({ links, metrics }: RunAnalysis, alike: boolean): string {
  const trips = (metric: string) =>
    metrics.filter((m) => m.metric === metric && m.phase === 'during' && m.value !== null)
  const most = (values: readonly number[]) => (values.length === 0 ? null : Math.max(...values))
  const p50 = trips('rtt_p50')
  if (p50.length === 0) return ''
  if (alike) {
    const [half, late] = ['rtt_p50', 'rtt_p99'].map((metric) => most(trips(metric).map((m) => m.value ?? 0)))
    return ` (measured RTT ${shortText(half)} ms p50, ${shortText(late)} p99)`
  }
  const delayOf = (from: string, to: string) =>
    links.find((link) => link.from === from && link.to === to)?.delayMs ?? Number.NaN
  const off = p50.map(({ dc, peer, value }) => Math.abs((value ?? 0) - delayOf(dc, peer) - delayOf(peer, dc)))
  return ` (measured RTTs at most ${shortText(most(off))} ms off, p50)`
}

function verdictLines(bench: BenchAnalysis, folder: string, colors: Colors, lineWidth: number): string[] {
  const { status, reasons, warnings, broken } = bench.verdict
  const indented = (sentence: string) => wrapText(sentence, lineWidth, '  ')
  const fdatasync = bench.runs[0].fdatasyncP50Ms
  const word = status === 'valid' ? colors.good('valid') : colors.bad('invalid')
  const quick = bench.runs.some((run) => run.quick) ? ' (quick)' : ''
  return [
    ...broken.flatMap((sentence) => indented(`promise broken: ${sentence}`)).map(colors.bad),
    ...warnings.flatMap(indented).map(colors.doubtful),
    ...reasons.flatMap((sentence) => indented(`invalid: ${sentence}`)).map(colors.bad),
    ...unpublishable(bench.runs)
      .flatMap((why) => indented(`not for publishing: ${why}.`))
      .map(colors.doubtful),
    `${word}${quick}${fdatasync === null ? '' : ` · fdatasync ${shortText(fdatasync)} ms p50`} · details: ${folder}`,
  ]
}
