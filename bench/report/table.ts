// Plain columns of text, right-aligned under two lines of headings.
import type { Colors } from './colors.ts'

export interface Column {
  /** Heading over one or more columns; a repeated one is written once. */
  readonly group: string
  readonly heading: string
}

export interface Row {
  readonly label: string
  readonly cells: readonly string[]
  readonly faint: boolean
}

const LABEL_MAX = 22
const GAP = 2

const fit = (label: string) => (label.length > LABEL_MAX ? `${label.slice(0, LABEL_MAX - 1)}…` : label)

/**
 * Lines of the table; a column is as wide as its widest cell. A title stands over the labels, and no line for groups that have
 * no name. What is wider than `width` characters goes on in a second table below, with the labels again; a group stays whole.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly Row[],
  colors: Colors,
  { title = '', width = Number.POSITIVE_INFINITY }: { readonly title?: string; readonly width?: number } = {},
): string[] {
  const labelWidth = Math.max(title.length, ...rows.map((row) => fit(row.label).length))
  const widths = columns.map(({ heading }, c) => Math.max(heading.length, ...rows.map((row) => row.cells[c].length)))
  widenForGroups(columns, widths)
  const groups = columns.some(({ group }) => group !== '')
  return partsWithin(columns, widths, width - labelWidth).flatMap(({ from, to }) => {
    const line = (label: string, cells: readonly string[]) =>
      (
        label.padEnd(labelWidth) +
        cells
          .slice(from, to)
          .map((cell, c) => cell.padStart(widths[from + c] + GAP))
          .join('')
      ).trimEnd()
    const headings = columns.map((column) => column.heading)
    return [
      ...(groups ? [colors.faint(groupLine(columns.slice(from, to), widths.slice(from, to), labelWidth))] : []),
      colors.faint(line(title, headings)),
      ...rows.map((row) => {
        const text = line(fit(row.label), row.cells)
        return row.faint ? colors.faint(text) : colors.strong(text.slice(0, labelWidth)) + text.slice(labelWidth)
      }),
    ]
  })
}

/** Ranges of columns, each as wide as fits beside the labels and at least one group. */
function partsWithin(
  columns: readonly Column[],
  widths: readonly number[],
  room: number,
): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = []
  for (const { from, to } of spans(columns)) {
    const last = parts.at(-1)
    if (last !== undefined && spanWidth(widths, last.from, to) + GAP <= room) last.to = to
    else parts.push({ from, to })
  }
  return parts
}

/** Ranges of columns that share a group heading. */
function spans(columns: readonly Column[]): { from: number; to: number; group: string }[] {
  const found: { from: number; to: number; group: string }[] = []
  for (const [c, { group }] of columns.entries()) {
    const last = found.at(-1)
    if (last !== undefined && last.group === group && group !== '') last.to = c + 1
    else found.push({ from: c, to: c + 1, group })
  }
  return found
}

const spanWidth = (widths: readonly number[], from: number, to: number) =>
  widths.slice(from, to).reduce((sum, width) => sum + width + GAP, 0) - GAP

function widenForGroups(columns: readonly Column[], widths: number[]): void {
  for (const { from, to, group } of spans(columns)) {
    const missing = group.length - spanWidth(widths, from, to)
    if (missing > 0) widths[from] += missing
  }
}

function groupLine(columns: readonly Column[], widths: readonly number[], labelWidth: number): string {
  const cells = spans(columns).map(
    ({ from, to, group }) => ' '.repeat(GAP) + group.padStart(spanWidth(widths, from, to)),
  )
  return (' '.repeat(labelWidth) + cells.join('')).trimEnd()
}
