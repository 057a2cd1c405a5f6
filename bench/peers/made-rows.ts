// Rows of a workload made beforehand, for peers that write them again and again.
import type { ColumnValues } from '../contract/table.ts'
import type { Workload, WorkloadOptions } from '../contract/workload.ts'
import { ContentMaker } from '../lib/content.ts'
import { PHASE, packDot } from '../lib/dot.ts'

/** Which rows: the first of a DC's stream as a measured phase of geowrite draws them. */
export interface RowsOrder {
  readonly options: WorkloadOptions
  readonly seed: number
  readonly dcCount: number
}

export interface MadeRows {
  readonly keys: Float64Array
  readonly dots: Float64Array
  readonly columns: readonly ColumnValues[]
}

/** The first `count` rows in batches of `batchRows`, sorted by key and each key once in a batch, as geowrite sends them. */
export function makeRows(workload: Workload, order: RowsOrder, count: number, batchRows: number): MadeRows {
  const { options, seed, dcCount } = order
  const stream = workload.stream({ options, seed, dcIndex: 0, dcCount, phase: PHASE.measure })
  const keys = new Float64Array(count)
  const [drawn, operations] = [new Float64Array(1), new Uint8Array(1)]
  for (let start = 0; start < count; start += batchRows) {
    const batch = new Set<number>()
    while (batch.size < Math.min(batchRows, count - start)) {
      stream.next(1, drawn, operations)
      batch.add(drawn[0])
    }
    keys.set(Float64Array.from(batch).sort(), start)
  }
  const content = new ContentMaker(workload.table(options).columns, seed)
  const columns = content.allocate(count)
  const dots = Float64Array.from(keys, (_, row) => packDot(0, 0, row + 1))
  content.fillRows(columns, dots, count)
  return { keys, dots, columns }
}

/** Place of the version among the values of a row: it differs each time that the row is written. */
export const VERSION_PLACE = 2

/** Row `row` as anybody would hand it to the client library. */
export function valuesOf({ keys, dots, columns }: MadeRows, row: number, version: number): (number | string)[] {
  const own = columns.map((column) =>
    column.type === 'int'
      ? column.values[row]
      : Buffer.from(column.pool.buffer, column.starts[row], column.lengths[row]).toString('latin1'),
  )
  return [keys[row], dots[row], version, ...own]
}
