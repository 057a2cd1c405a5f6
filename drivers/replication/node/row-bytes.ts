// How large a stored row is, for estimates before a run.
import type { Column } from '../../../bench/contract/table.ts'
import { RECORD_HEADER_BYTES } from './packed-rows.ts'

/** Bytes of a row's name and record, with texts of middling length. */
export function rowBytes(columns: readonly Column[]): number {
  return columns.reduce(
    (sum, column) => sum + (column.type === 'int' ? 4 : 2 + (column.minBytes + column.maxBytes) / 2),
    9 + RECORD_HEADER_BYTES,
  )
}
