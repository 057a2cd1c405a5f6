// For tests: rows of the test table as batches, with the content that their dots demand.
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import { ContentMaker } from '../../bench/lib/content.ts'
import { nextVersion, packDot } from '../../bench/lib/dot.ts'
import { TEST_TABLE, testPlan } from './servers.fixture.ts'

export const maker = new ContentMaker(TEST_TABLE.columns, testPlan().seed)
let sequence = 0
let version = 1_000_000

export interface Row {
  readonly key: number
  readonly dot: number
  readonly version: number
  /** Where it differs from the batch's. */
  readonly operation?: number
}

/** Rows as a batch, sorted by key, with the content that their dots demand. */
export function batchOf(
  rows: readonly Row[],
  operation: number = OPERATION.upsert,
  content: ContentMaker = maker,
): RowBatch {
  const sorted = [...rows].sort((a, b) => a.key - b.key)
  const columns = content.allocate(sorted.length)
  sorted.forEach(({ dot }, index) => content.fill(columns, index, dot))
  return {
    count: sorted.length,
    keys: Float64Array.from(sorted, ({ key }) => key),
    dots: Float64Array.from(sorted, ({ dot }) => dot),
    versions: Float64Array.from(sorted, (row) => row.version),
    operations: Uint8Array.from(sorted, (row) => row.operation ?? operation),
    columns,
    atomic: false,
  }
}

/** A write of `key` by a DC, newer than every earlier one. */
export function write(key: number, dcIndex: number): Row {
  version = nextVersion(version, dcIndex)
  return { key, dot: packDot(dcIndex, 600, ++sequence), version }
}
