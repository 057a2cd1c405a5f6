// The rows of a batch by partition, and what became of them together.
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import type { RowBatch } from '../../bench/contract/table.ts'
import type { CqlTable } from './cql-table.ts'
import { partitionOf } from './row-values.ts'

/** Rows `from` … `to` − 1 of a batch. */
export interface RowSpan {
  readonly from: number
  readonly to: number
}

/** The spans of rows that share a partition, in the order of the batch, which is that of the keys. */
export function partitionSpans(table: CqlTable, { keys, count }: Pick<RowBatch, 'keys' | 'count'>): RowSpan[] {
  const spans: RowSpan[] = []
  let from = 0
  for (let row = 1; row <= count; row++) {
    if (row < count && partitionOf(table, keys[row]) === partitionOf(table, keys[from])) continue
    spans.push({ from, to: row })
    from = row
  }
  return spans
}

/** One result for all spans, row by row where their outcomes differ. */
export function resultOf(spans: readonly RowSpan[], results: readonly WriteResult[]): WriteResult {
  const [{ outcome }] = results
  const error = results.find((result) => result.error !== undefined)?.error
  const told = error === undefined ? {} : { error }
  if (results.every((result) => result.outcome === outcome)) return { outcome, ...told }
  const rowOutcomes = new Uint8Array(spans[spans.length - 1].to)
  spans.forEach(({ from, to }, i) => rowOutcomes.fill(results[i].outcome, from, to))
  return { outcome: OUTCOME.info, rowOutcomes, ...told }
}

/** Does a task for each span, so many at once, and gives the results in the order of the spans. */
export async function forEachSpan(
  spans: readonly RowSpan[],
  atOnce: number,
  task: (span: RowSpan) => Promise<WriteResult>,
): Promise<WriteResult[]> {
  const results: WriteResult[] = []
  let next = 0
  const sender = async () => {
    while (next < spans.length) {
      const i = next++
      results[i] = await task(spans[i])
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, spans.length) }, sender))
  return results
}
