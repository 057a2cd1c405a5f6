// A row that no write made: the identity of one write, some columns of it, and some of another.
import type { Column } from '../../bench/contract/table.ts'
import { RECORD_HEADER_BYTES, recordContent, recordVectorAt } from '../replication/node/packed-rows.ts'

/** Where each column of a content begins and ends. */
function columnSpans(content: Buffer, columns: readonly Column[]): [from: number, to: number][] {
  let at = 0
  return columns.map((column) => {
    const from = at
    at += column.type === 'int' ? 4 : 2 + content.readUInt16LE(at)
    return [from, at]
  })
}

/**
 * `winner` with some columns of `loser`: at least one that differs is the loser's, and at least one the winner's own. Counters are
 * left alone, since their values are no function of a write. Undefined where fewer than two columns differ, as of a tombstone.
 * @param choice random bits: which of the columns that differ are the loser's.
 */
export function mixedRecord(
  winner: Buffer,
  loser: Buffer,
  columns: readonly Column[],
  choice: number,
): Buffer | undefined {
  const content = recordContent(winner)
  const other = recordContent(loser)
  if (content.length === 0 || other.length === 0) return undefined
  const spans = columnSpans(content, columns)
  const parts = spans.map(([from, to]) => content.subarray(from, to))
  const others = columnSpans(other, columns).map(([from, to]) => other.subarray(from, to))
  const differing = columns.flatMap((column, c) => {
    const isCounter = column.type === 'int' && column.counter === true
    return isCounter || parts[c].equals(others[c]) ? [] : [c]
  })
  if (differing.length < 2) return undefined
  const all = 2 ** Math.min(31, differing.length) - 1
  // 1 … all − 1: neither none of them nor all.
  const taken = 1 + (choice % (all - 1))
  differing.forEach((c, bit) => {
    if (bit < 31 && (taken & (1 << bit)) !== 0) parts[c] = others[c]
  })
  return Buffer.concat([winner.subarray(0, RECORD_HEADER_BYTES), ...parts, winner.subarray(recordVectorAt(winner))])
}
