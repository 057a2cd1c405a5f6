// Faults that a store planted on purpose: how many, how many of them still stand, and what the measure found of them.
import type { BenchAnalysis, PlantedFinding, RunAnalysis } from '../contract/analysis.ts'
import type { Colors } from './colors.ts'
import { NOT_KNOWN, shortText, wholeText } from './figures.ts'
import { tableLines, type Row } from './table.ts'

const COLUMNS = ['rows', 'standing', 'found', 'by', ''].map((heading) => ({ group: '', heading }))

/** Whether the figure, with its bounds, holds what stands; undefined where it is no count of rows, or not known. */
function agrees({ standing, found }: PlantedFinding, unit: string): boolean | undefined {
  if (unit !== 'rows' || found.value === null) return undefined
  return (found.low ?? found.value) <= standing && standing <= (found.high ?? found.value)
}

const unitOf = (run: RunAnalysis, name: string): string => run.metrics.find(({ metric }) => metric === name)?.unit ?? ''

function foundText({ value, low, high }: PlantedFinding['found'], unit: string): string {
  const text = unit === 'rows' ? wholeText : shortText
  const bounds = low === null || high === null || low === high ? '' : ` (${text(low)}–${text(high)})`
  return value === null ? NOT_KNOWN : `${text(value)}${unit === 'rows' ? '' : ` ${unit}`}${bounds}`
}

function rowsOf(run: RunAnalysis, indent: string): Row[] {
  return (run.planted ?? []).map((fault) => {
    const unit = unitOf(run, fault.metric)
    const verdict = agrees(fault, unit)
    const told = verdict === undefined ? '' : verdict ? 'agrees' : 'differs'
    const cells = [wholeText(fault.rows), wholeText(fault.standing), foundText(fault.found, unit), fault.metric, told]
    return { label: `${indent}${fault.name}`, cells, faint: false }
  })
}

/** Lines of the table with an empty one before; none where nothing was planted. */
export function plantedTableLines(bench: Pick<BenchAnalysis, 'runs'>, colors: Colors, width?: number): string[] {
  const runs = bench.runs.filter(({ planted }) => planted !== undefined && planted.length > 0)
  if (runs.length === 0) return []
  const several = bench.runs.length > 1
  const heading = (run: RunAnalysis): Row => ({ label: run.run, cells: COLUMNS.map(() => ''), faint: true })
  const rows = runs.flatMap((run) => [...(several ? [heading(run)] : []), ...rowsOf(run, several ? '  ' : '')])
  // A lost delete of one fault comes back as a row of another's figure, and is lost for a third.
  const mixed = runs.some((run) => {
    const planted = (run.planted ?? []).filter(({ standing }) => standing > 0)
    return new Set(planted.map(({ name }) => name)).size > 1
  })
  const note = mixed && rows.some(({ cells }) => cells.includes('differs'))
  return [
    '',
    ...tableLines(COLUMNS, rows, colors, { title: 'planted', ...(width === undefined ? {} : { width }) }),
    ...(note ? [colors.faint('Several faults are planted at once: a figure may hold the rows of another.')] : []),
  ]
}
