// The statements that geowrite's Postgres driver writes with in the first DC, for peers to send the same. A test holds them equal.
import type { Column, Table } from '../contract/table.ts'

interface SqlColumn {
  readonly name: string
  readonly type: 'int8' | 'int4' | 'text'
}

/** All columns in the order in which they are sent: the harness's three, then the workload's. */
export function sqlColumns({ columns }: Pick<Table, 'columns'>): SqlColumn[] {
  const own = ({ name, type }: Column): SqlColumn => ({ name, type: type === 'int' ? 'int4' : 'text' })
  const harness = ['key', 'dot', 'version'].map((name): SqlColumn => ({ name, type: 'int8' }))
  return [...harness, ...columns.map(own)]
}

export const sqlName = ({ name }: Pick<Table, 'name'>): string => `public."${name}"`

const names = (columns: readonly SqlColumn[]): string => columns.map(({ name }) => `"${name}"`).join(', ')

const nextVersion = (of: string): string => `((((${of} >> 4) + 1) << 4) | 0)`

function onConflict(columns: readonly SqlColumn[]): string {
  const set = columns.filter(({ name }) => name !== 'key' && name !== 'version')
  return `ON CONFLICT (key) DO UPDATE SET ${set.map(({ name }) => `"${name}" = excluded."${name}"`).join(', ')},
    version = GREATEST(excluded.version, ${nextVersion('t.version')})`
}

/** One row, each value as `valueOf` writes it: `$1`, `:key`. */
export function upsertRow(table: Table, valueOf: (column: SqlColumn, place: number) => string): string {
  const columns = sqlColumns(table)
  const values = columns.map((column, place) => `${valueOf(column, place)}::${column.type}`)
  return `INSERT INTO ${sqlName(table)} AS t (${names(columns)}) VALUES (${values.join(', ')})
    ${onConflict(columns)} RETURNING new.version`
}

/** A batch, given as one array a column. */
export function upsertBatch(table: Table): string {
  const columns = sqlColumns(table)
  const arrays = columns.map(({ type }, place) => `$${place + 1}::${type}[]`)
  return `WITH written AS (INSERT INTO ${sqlName(table)} AS t (${names(columns)})
    SELECT sent.* FROM unnest(${arrays.join(', ')}) AS sent (${names(columns)})
    ${onConflict(columns)} RETURNING new.key AS key, new.version AS version, old.version AS former)
      SELECT key, version FROM written WHERE version = ${nextVersion('former')}`
}

/** The table as geowrite makes it, with its default settings. */
export function createTable(table: Table): string {
  const types = sqlColumns(table).map(({ name, type }, place) => `"${name}" ${type}${place < 3 ? ' NOT NULL' : ''}`)
  return `CREATE TABLE ${sqlName(table)} (${types.join(', ')}, CONSTRAINT "${table.name}_pkey" PRIMARY KEY (key)) WITH (fillfactor = 90)`
}

/** Rows in COPY's binary format, `from` a place such as STDIN. */
export const copyFrom = (table: Table, from: string): string =>
  `${sqlName(table)} (${names(sqlColumns(table))}) FROM ${from} (FORMAT binary)`
