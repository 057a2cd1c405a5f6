// The statements of the appliers: replicated rows, last writer wins, and how far each applier has come.
import { escapeIdentifier } from 'pg'
import { allColumns, nameList, tableName, type SqlColumn, type SqlTable } from './sql-table.ts'

/** How far each applier has come in its source's log, one row an applier, changed in the transactions that it applies. */
export const PROGRESS = 'geowrite_progress'
const PROGRESS_TABLE = `public.${PROGRESS}`

/** The statement that makes the table of progress, and the one that adds an applier to it. */
export const createProgress = `CREATE TABLE ${PROGRESS_TABLE} (origin text PRIMARY KEY, lsn pg_lsn NOT NULL) WITH (fillfactor = 10)`
export const addProgress = `INSERT INTO ${PROGRESS_TABLE} VALUES ($1, '0/0')`
export const readProgress = `SELECT lsn::text AS lsn FROM ${PROGRESS_TABLE} WHERE origin = $1`

const MOVE_PROGRESS = `moved AS (UPDATE ${PROGRESS_TABLE} SET lsn = $1::pg_lsn WHERE origin = $3::text)`

/**
 * Settings of an applier's session. It locks rows in the order of its batch, ascending by key as local writers do: a hash of the
 * batch would take them in the order of the table's pages, and two transactions that lock the same rows in different orders end in
 * a deadlock.
 */
export const LOCKS_BY_KEY = { plan_cache_mode: 'force_generic_plan', enable_hashjoin: 'off', enable_mergejoin: 'off' }

/** Evaluated once, before the first row: gives the commit record the source's position and time. */
const SET_UP = `WHERE (SELECT pg_replication_origin_xact_setup($1::pg_lsn, $2::timestamptz)) IS NOT NULL`

/**
 * Applies replicated rows, last writer wins, and moves the applier's progress in the same transaction: $1 is the source
 * position, $2 the source's commit time, $3 the origin's name, then one array a column. The server's own
 * progress of the origin is not used: it moves on to that position even when the transaction is rolled back.
 * Its count of rows is the number of those that were newer than what was there. Fails with a unique violation where another
 * session inserts one of the keys meanwhile: `applyBatchOver` then does the same.
 */
export function applyBatch(table: SqlTable): string {
  return table.vector.length === 0 ? `WITH ${MOVE_PROGRESS} ${merged(table, 4, SET_UP)}` : applyBatchOver(table)
}

/** The same for a part of a source transaction that is not its last: the progress stays where it is. */
export function applyPart(table: SqlTable): string {
  return table.vector.length === 0 ? merged(table, 1, '') : applyPartOver(table)
}

/** Does what `applyBatch` does at any rate, and costs the server more: it locks each row before it changes it, and logs both. */
export function applyBatchOver(table: SqlTable): string {
  const applied = inserted(table, 4, SET_UP)
  return table.vector.length === 0 ? `WITH ${MOVE_PROGRESS} ${applied}` : counted(applied, `${MOVE_PROGRESS}, `)
}

/** The same to `applyPart`. */
export function applyPartOver(table: SqlTable): string {
  const applied = inserted(table, 1, '')
  return table.vector.length === 0 ? applied : counted(applied, '')
}

/** Leaves out of the count the rows whose vector alone was joined. */
const counted = (applied: string, before: string): string =>
  `WITH ${before}applied AS (${applied} RETURNING new.version IS DISTINCT FROM old.version AS newer)
  SELECT FROM applied WHERE newer`

const quoted = ({ name }: SqlColumn): string => escapeIdentifier(name)

/** Rows of the arrays, side by side: as a list of results each is taken apart row by row, as a table each would be stored first. */
const sent = (columns: readonly SqlColumn[], first: number): string =>
  columns.map((column, index) => `unnest($${first + index}::${column.type}[]) AS ${quoted(column)}`).join(', ')

function merged(table: SqlTable, first: number, where: string): string {
  const columns = allColumns(table)
  return `MERGE INTO ${tableName(table)} AS t USING (SELECT ${sent(columns, first)} ${where}) AS s ON t.key = s.key
  WHEN MATCHED AND s.version > t.version THEN UPDATE SET ${replaced(table, 's')}
  WHEN NOT MATCHED THEN INSERT (${nameList(columns)}) VALUES (${columns.map((column) => `s.${quoted(column)}`).join(', ')})`
}

function inserted(table: SqlTable, first: number, where: string): string {
  const columns = allColumns(table)
  const newer = 'excluded.version > t.version'
  return `INSERT INTO ${tableName(table)} AS t (${nameList(columns)}) SELECT ${sent(columns, first)} ${where}
  ON CONFLICT (key) DO UPDATE SET ${table.vector.length === 0 ? replaced(table, 'excluded') : joined(table, newer)}
  WHERE ${[newer, ...table.vector.map(quoted).map((name) => `excluded.${name} > t.${name}`)].join(' OR ')}`
}

const replaced = ({ harness, own }: SqlTable, by: string): string =>
  [...harness.slice(1), ...own]
    .map(quoted)
    .map((name) => `${name} = ${by}.${name}`)
    .join(', ')

/** The vectors are joined whichever row is kept: what was beaten has been taken in all the same. */
function joined({ harness, vector, own }: SqlTable, newer: string): string {
  const kept = [...harness.slice(1), ...own]
    .map(quoted)
    .map((name) => `${name} = CASE WHEN ${newer} THEN excluded.${name} ELSE t.${name} END`)
  return [...kept, ...vector.map(quoted).map((name) => `${name} = GREATEST(t.${name}, excluded.${name})`)].join(', ')
}
