// The table of the suite and the rows that it writes: values are given, so that what a store holds can be told byte for byte.
import { OPERATION, type Column, type RowBatch, type Table } from '../contract/table.ts'
import { encodeContent, encodedLength } from '../lib/content.ts'

export const LOADED_ROWS = 1000
export const INT_MIN = -(2 ** 31)
export const INT_MAX = 2 ** 31 - 1
/** Longer than one byte can say. */
export const NOTE_BYTES_MAX = 300
export const NAME_BYTES_MAX = 24

const COLUMNS: readonly Column[] = [
  { name: 'name', type: 'text', minBytes: 0, maxBytes: NAME_BYTES_MAX },
  { name: 'note', type: 'text', minBytes: 3, maxBytes: NOTE_BYTES_MAX },
  { name: 'amount', type: 'int', min: INT_MIN, max: INT_MAX },
  { name: 'tally', type: 'int', min: 0, max: 1000 },
]

/** With a counter column only where the system can increment. */
export function suiteTable(increments: boolean): Table {
  const columns = COLUMNS.map((column) =>
    increments && column.name === 'tally' && column.type === 'int' ? { ...column, counter: true as const } : column,
  )
  return { name: 'conformance', rows: LOADED_ROWS, columns }
}

export interface Values {
  readonly name: string
  readonly note: string
  readonly amount: number
  readonly tally: number
}

/** One row write, with everything that the store must keep of it. */
export interface Row {
  readonly key: number
  readonly dot: number
  readonly version: number
  readonly operation: number
  readonly values: Values
}

/** A batch of these rows, sorted by key; texts are laid into one pool. */
export function batchOf(rows: readonly Row[], atomic = false): RowBatch {
  const sorted = rows.toSorted((a, b) => a.key - b.key)
  const text = (of: (values: Values) => string) => {
    const texts = sorted.map(({ values }) => of(values))
    const lengths = Uint16Array.from(texts, (each) => each.length)
    const starts = new Uint32Array(lengths.length)
    for (let i = 1; i < starts.length; i++) starts[i] = starts[i - 1] + lengths[i - 1]
    return { type: 'text' as const, pool: new Uint8Array(Buffer.from(texts.join(''), 'latin1')), starts, lengths }
  }
  const int = (of: (values: Values) => number) => ({
    type: 'int' as const,
    values: Int32Array.from(sorted, ({ values }) => of(values)),
  })
  return {
    count: sorted.length,
    keys: Float64Array.from(sorted, ({ key }) => key),
    dots: Float64Array.from(sorted, ({ dot }) => dot),
    versions: Float64Array.from(sorted, ({ version }) => version),
    operations: Uint8Array.from(sorted, ({ operation }) => operation),
    columns: [text((v) => v.name), text((v) => v.note), int((v) => v.amount), int((v) => v.tally)],
    atomic,
  }
}

/** The canonical encoding of what a row must hold after this write; empty after a delete. */
export function contentOf(row: Row): Uint8Array {
  if (row.operation === OPERATION.delete) return new Uint8Array()
  const { columns } = batchOf([row])
  const bytes = new Uint8Array(encodedLength(columns, 0))
  encodeContent(columns, 0, bytes, 0)
  return bytes
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
