// The statements of the appliers: replicated rows, last writer wins, and how far each applier has come.
import { escapeIdentifier } from 'pg'
import { allColumns, arrayList, nameList, tableName, type SqlColumn, type SqlTable } from './sql-table.ts'

/** How far each applier has come in its source's log, one row an applier, changed in the transactions that it applies. */
export const PROGRESS = 'geowrite_progress'
const PROGRESS_TABLE = `public.${PROGRESS}`

/** The statement that makes the table of progress, and the one that adds an applier to it. */
export const createProgress = `CREATE TABLE ${PROGRESS_TABLE} (origin text PRIMARY KEY, lsn pg_lsn NOT NULL) WITH (fillfactor = 10)`
export const addProgress = `INSERT INTO ${PROGRESS_TABLE} VALUES ($1, '0/0')`
export const readProgress = `SELECT lsn::text AS lsn FROM ${PROGRESS_TABLE} WHERE origin = $1`

const MOVE_PROGRESS = `moved AS (UPDATE ${PROGRESS_TABLE} SET lsn = $1::pg_lsn WHERE origin = $3::text)`

/**
 * Applies replicated rows, last writer wins, and moves the applier's progress in the same transaction: $1 is the source
 * position, $2 the source's commit time, $3 the origin's name, then one array a column. The uncorrelated subquery is
 * evaluated once, before the first row, and gives the commit record the source's position and time. The server's own
 * progress of the origin is not used: it moves on to that position even when the transaction is rolled back.
 * Its count of rows is the number of those that were newer than what was there.
 */
export function applyBatch(table: SqlTable): string {
  const where = `WHERE (SELECT pg_replication_origin_xact_setup($1::pg_lsn, $2::timestamptz)) IS NOT NULL`
  const applied = applyRows(table, 4, where)
  return table.vector.length === 0 ? `WITH ${MOVE_PROGRESS} ${applied}` : counted(applied, `${MOVE_PROGRESS}, `)
}

/** The same for a part of a source transaction that is not its last: the progress stays where it is. */
export function applyPart(table: SqlTable): string {
  const applied = applyRows(table, 1, '')
  return table.vector.length === 0 ? applied : counted(applied, '')
}

/** Leaves out of the count the rows whose vector alone was joined. */
const counted = (applied: string, before: string): string =>
  `WITH ${before}applied AS (${applied} RETURNING new.version IS DISTINCT FROM old.version AS newer)
  SELECT FROM applied WHERE newer`

const quoted = ({ name }: SqlColumn): string => escapeIdentifier(name)

function applyRows(table: SqlTable, first: number, where: string): string {
  const columns = allColumns(table)
  const newer = 'excluded.version > t.version'
  return `INSERT INTO ${tableName(table)} AS t (${nameList(columns)})
  SELECT * FROM unnest(${arrayList(columns, first)}) ${where}
  ON CONFLICT (key) DO UPDATE SET ${table.vector.length === 0 ? replaced(table) : joined(table, newer)}
  WHERE ${[newer, ...table.vector.map(quoted).map((name) => `excluded.${name} > t.${name}`)].join(' OR ')}`
}

const replaced = ({ harness, own }: SqlTable): string =>
  [...harness.slice(1), ...own]
    .map(quoted)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')

/** The vectors are joined whichever row is kept: what was beaten has been taken in all the same. */
function joined({ harness, vector, own }: SqlTable, newer: string): string {
  const kept = [...harness.slice(1), ...own]
    .map(quoted)
    .map((name) => `${name} = CASE WHEN ${newer} THEN excluded.${name} ELSE t.${name} END`)
  return [...kept, ...vector.map(quoted).map((name) => `${name} = GREATEST(t.${name}, excluded.${name})`)].join(', ')
}
