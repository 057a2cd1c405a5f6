// The rows that stand in the table before the run, as the blocks that a driver loads.
import { OPERATION, type RowBatch, type Table } from '../contract/table.ts'
import type { RowSource } from '../contract/driver.ts'
import type { ContentMaker } from '../lib/content.ts'
import { loadedDot, LOADED_VERSION } from '../lib/dot.ts'

const BLOCK_ROWS = 4096

/** Keys 0 … rows − 1 in ascending order, each with its loaded dot and version; a block is valid until the next is taken. */
export function loadedRows(table: Table, content: ContentMaker): RowSource {
  return function* () {
    const keys = new Float64Array(BLOCK_ROWS)
    const dots = new Float64Array(BLOCK_ROWS)
    const versions = new Float64Array(BLOCK_ROWS).fill(LOADED_VERSION)
    const operations = new Uint8Array(BLOCK_ROWS).fill(OPERATION.insert)
    const columns = content.allocate(BLOCK_ROWS)
    for (let from = 0; from < table.rows; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, table.rows - from)
      for (let i = 0; i < count; i++) {
        keys[i] = from + i
        dots[i] = loadedDot(from + i)
        content.fill(columns, i, dots[i])
      }
      const batch: RowBatch = { count, keys, dots, versions, operations, columns, atomic: false }
      yield batch
    }
  }
}
