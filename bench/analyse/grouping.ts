// Groups rows by key without sorting them all: a counting sort by group, then a sort only within groups out of order.
import { DotTable } from './dot-table.ts'

interface Grouping {
  /** Key → group. */
  readonly table: DotTable
  readonly groups: number
  readonly groupKey: Float64Array
  readonly order: Uint32Array
  readonly starts: Uint32Array
}

/** Groups by key; within a group by DC, then by dot. */
export function groupByKey(key: Float64Array, dc: Uint8Array, dot: Float64Array): Grouping {
  const rows = key.length
  const table = new DotTable(Math.min(rows, 65_536))
  const groupOf = new Uint32Array(rows)
  for (let i = 0; i < rows; i++) groupOf[i] = table.place(key[i])
  const groups = table.size
  const starts = new Uint32Array(groups + 1)
  for (let i = 0; i < rows; i++) starts[groupOf[i] + 1]++
  for (let g = 0; g < groups; g++) starts[g + 1] += starts[g]
  const next = starts.slice(0, groups)
  const order = new Uint32Array(rows)
  for (let i = 0; i < rows; i++) order[next[groupOf[i]]++] = i
  // Ledger parts are read DC by DC and a key has one writer in a DC, so that most groups are in order already.
  const before = (a: number, b: number): number => dc[a] - dc[b] || dot[a] - dot[b]
  for (let g = 0; g < groups; g++) {
    for (let i = starts[g] + 1; i < starts[g + 1]; i++) {
      if (before(order[i - 1], order[i]) > 0) {
        order.subarray(starts[g], starts[g + 1]).sort(before)
        break
      }
    }
  }
  const groupKey = new Float64Array(groups)
  for (let g = 0; g < groups; g++) groupKey[g] = key[order[starts[g]]]
  return { table, groups, groupKey, order, starts }
}
