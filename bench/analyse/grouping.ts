// Groups rows by key without sorting them all: a counting sort by group, then a sort only within groups out of order.
import type { ColumnRoom } from './column-room.ts'
import type { DotTable } from './dot-table.ts'
import type { LedgerPart } from './ledger-part.ts'
import { maybeStored } from './ledger-rows.ts'

/** A column of words by row, free for others once the rows are grouped. */
export const WORD_OF_ROW = 'word of a row'
const GROUPS_AT_FIRST = 65_536

interface Grouping {
  readonly rows: number
  readonly groups: number
  /** By group. */
  readonly groupKey: Float64Array
  readonly starts: Uint32Array
  /** By row in the order of the part, those left out that are not stored. */
  readonly groupOfRow: Uint32Array
}

/** Numbers a part's keys as they come; `table` then finds a key's group. */
export function groupKeys(part: LedgerPart, room: ColumnRoom, table: DotTable): Grouping {
  const rowsAtMost = part.rows('writes')
  const groupOfRow = room.u32(WORD_OF_ROW, rowsAtMost)
  // A part with a hot key has few keys beside its rows.
  let keyOfGroup = room.f64('groupKey', Math.min(rowsAtMost, GROUPS_AT_FIRST))
  table.clear(Math.min(rowsAtMost, GROUPS_AT_FIRST))
  let rows = 0
  for (const { block } of part.blocks('writes')) {
    const { key, outcome, flags } = block
    for (let row = 0; row < block.rows; row++) {
      if (!maybeStored(outcome[row], flags[row])) continue
      const group = table.place(key[row])
      groupOfRow[rows++] = group
      if (group >= keyOfGroup.length) keyOfGroup = room.longerF64('groupKey', 2 * keyOfGroup.length)
      keyOfGroup[group] = key[row]
    }
  }
  const groups = table.size
  const starts = room.u32('starts', groups + 1).fill(0, 0, groups + 1)
  for (let row = 0; row < rows; row++) starts[groupOfRow[row] + 1]++
  for (let group = 0; group < groups; group++) starts[group + 1] += starts[group]
  return { rows, groups, groupKey: keyOfGroup, starts, groupOfRow }
}

/** Sorts the rows of each group by DC, then by dot. */
export function sortWithinGroups(
  groups: number,
  starts: Uint32Array,
  columns: { readonly dc: Uint8Array; readonly dot: Float64Array } & Readonly<
    Record<string, Float64Array | Uint8Array>
  >,
): void {
  const { dc, dot } = columns
  const before = (a: number, b: number): number => dc[a] - dc[b] || dot[a] - dot[b]
  for (let group = 0; group < groups; group++) {
    const from = starts[group]
    const to = starts[group + 1]
    // Ledger parts are read DC by DC and a key has one writer in a DC, so that most groups are in order already.
    let row = from + 1
    while (row < to && (dc[row - 1] < dc[row] || (dc[row - 1] === dc[row] && dot[row - 1] <= dot[row]))) row++
    if (row >= to) continue
    const order = Uint32Array.from({ length: to - from }, (_, i) => from + i).sort(before)
    for (const column of Object.values(columns))
      column.set(
        column.slice(from, to).map((_, i) => column[order[i]]),
        from,
      )
  }
}
