// Reads rows back as the harness compares them: with their content in the canonical encoding of bench/lib/content.ts.
import type { Client } from 'pg'
import { escapeIdentifier } from 'pg'
import type { RowSelection, RowStates } from '../../bench/contract/driver.ts'
import { keysParameter } from './digest.ts'
import { sentColumns, tableName, type SqlColumn, type SqlTable } from './sql-table.ts'

const BLOCK_ROWS = 2000
/** Key, dot and version stand before the workload's own columns. */
const OWN_AT = 3

/**
 * The canonical encoding of one row's own columns: an int as 4 bytes, a text as 2 bytes of length and its bytes. A NULL adds
 * nothing: a tombstone is empty, and a row that has only some is shorter than any that was written.
 */
function content(own: readonly SqlColumn[], row: readonly (string | null)[]): Uint8Array {
  const parts = own.map(({ type }, index) => {
    const value = row[OWN_AT + index]
    if (value === null) return Buffer.alloc(0)
    if (type === 'int4') {
      const bytes = Buffer.allocUnsafe(4)
      bytes.writeInt32LE(Number(value))
      return bytes
    }
    const text = Buffer.from(value, 'utf8')
    const bytes = Buffer.allocUnsafe(2 + text.length)
    bytes.writeUInt16LE(text.length)
    text.copy(bytes, 2)
    return bytes
  })
  return Buffer.concat(parts)
}

function block(own: readonly SqlColumn[], rows: readonly (readonly (string | null)[])[]): RowStates {
  return {
    count: rows.length,
    keys: Float64Array.from(rows, ([key]) => Number(key)),
    dots: Float64Array.from(rows, ([, dot]) => Number(dot)),
    versions: Float64Array.from(rows, ([, , version]) => Number(version)),
    contents: rows.map((row) => content(own, row)),
  }
}

/** Streams the selected rows in ascending order of key, from one snapshot, on a connection that it has for itself. */
export async function* readRows(client: Client, table: SqlTable, selection: RowSelection): AsyncGenerator<RowStates> {
  const columns = sentColumns(table)
    .map(({ name, type }) => (type === 'text' ? escapeIdentifier(name) : `${escapeIdentifier(name)}::text`))
    .join(', ')
  const byKeys = 'keys' in selection
  const where = byKeys
    ? 'key = ANY($1::int8[])'
    : `key % ${Math.trunc(selection.buckets)} = ${Math.trunc(selection.bucket)}`
  const values = byKeys ? [keysParameter(selection.keys)] : []
  await client.query('BEGIN READ ONLY')
  await client.query({
    text: `DECLARE states NO SCROLL CURSOR FOR SELECT ${columns} FROM ${tableName(table)} WHERE ${where} ORDER BY key`,
    values,
  })
  for (;;) {
    const { rows } = await client.query<(string | null)[]>({
      text: `FETCH ${BLOCK_ROWS} FROM states`,
      rowMode: 'array',
    })
    if (rows.length > 0) yield block(table.own, rows)
    if (rows.length < BLOCK_ROWS) break
  }
  await client.query('COMMIT')
}
