// Every statement on the table under test. The table's columns are key, dot, version, then the workload's own, in order.
import { escapeIdentifier } from 'pg'
import type { Column, Table } from '../../bench/contract/table.ts'
import { TYPE } from './array-parameter.ts'

/** One column of the table in Postgres: its name and its type's name and number. */
export interface SqlColumn {
  readonly name: string
  readonly type: 'int8' | 'int4' | 'text'
  readonly typeNumber: number
}

const HARNESS_COLUMNS: readonly SqlColumn[] = ['key', 'dot', 'version'].map((name) => ({
  name,
  type: 'int8',
  typeNumber: TYPE.int8,
}))

const sqlColumn = ({ name, type }: Column): SqlColumn =>
  type === 'int' ? { name, type: 'int4', typeNumber: TYPE.int4 } : { name, type: 'text', typeNumber: TYPE.text }

/** All columns of the table in the order in which they are created, sent and replicated. */
export function sqlColumns(table: Table): readonly SqlColumn[] {
  return [...HARNESS_COLUMNS, ...table.columns.map(sqlColumn)]
}

/** The table's name, quoted, in the schema that every connection sees. */
export const tableName = (table: Table): string => `public.${escapeIdentifier(table.name)}`

const names = (columns: readonly SqlColumn[]): string => columns.map(({ name }) => escapeIdentifier(name)).join(', ')

const assignments = (columns: readonly SqlColumn[]): string =>
  columns.map(({ name }) => `${escapeIdentifier(name)} = excluded.${escapeIdentifier(name)}`).join(', ')

const arrays = (columns: readonly SqlColumn[], first: number): string =>
  columns.map(({ type }, index) => `$${first + index}::${type}[]`).join(', ')

/** The statement that makes the table. Text is kept in the row: what is replicated must always be whole. */
export function createTable(table: Table, fillfactor: number): string {
  const columns = sqlColumns(table).map(({ name, type }) => `${escapeIdentifier(name)} ${type} NOT NULL`)
  return `CREATE TABLE ${tableName(table)} (${columns.join(', ')}, ${primaryKey(table)}) WITH (fillfactor = ${fillfactor})`
}

/** The name of the primary key, for dropping it while the table is loaded. */
export const primaryKeyName = (table: Table): string => escapeIdentifier(`${table.name}_pkey`)

/** The primary key's clause, for the table and for adding it again after loading. */
export const primaryKey = (table: Table): string => `CONSTRAINT ${primaryKeyName(table)} PRIMARY KEY (key)`

/** The least version of a DC above the row's own: what a local write gets at least, so that it never lowers a version. */
const nextVersion = (of: string, dcIndex: number): string => `((((${of} >> 4) + 1) << 4) | ${dcIndex})`

const upsertConflict = (table: Table, dcIndex: number): string => {
  const [, dot, , ...own] = sqlColumns(table)
  return `ON CONFLICT (key) DO UPDATE SET ${assignments([dot, ...own])},
    version = GREATEST(excluded.version, ${nextVersion('t.version', dcIndex)})`
}

/** Writes a batch given as one array a column; returns key and version of the rows whose version had to be raised. */
export function upsertBatch(table: Table, dcIndex: number): string {
  const columns = sqlColumns(table)
  return `WITH written AS (
    INSERT INTO ${tableName(table)} AS t (${names(columns)})
    SELECT * FROM unnest(${arrays(columns, 1)})
    ${upsertConflict(table, dcIndex)}
    RETURNING new.key AS key, new.version AS version, old.version AS former)
  SELECT key, version FROM written WHERE version = ${nextVersion('former', dcIndex)}`
}

/** Writes one row given as one parameter a column; returns the version that it has now. */
export function upsertRow(table: Table, dcIndex: number): string {
  const columns = sqlColumns(table)
  return `INSERT INTO ${tableName(table)} AS t (${names(columns)})
  VALUES (${columns.map(({ type }, index) => `$${index + 1}::${type}`).join(', ')})
  ${upsertConflict(table, dcIndex)} RETURNING version`
}

/** Adds rows in COPY's binary format, the columns in the table's order. */
export const copyRows = (table: Table): string =>
  `COPY ${tableName(table)} (${names(sqlColumns(table))}) FROM STDIN (FORMAT binary)`

/** Which dots and versions a DC holds for the keys of one array. */
export const readVersions = (table: Table): string =>
  `SELECT key, dot, version FROM ${tableName(table)} WHERE key = ANY($1::int8[])`

/** How far each applier has come in its source's log, one row an applier, changed in the transactions that it applies. */
const PROGRESS_TABLE = 'public.geowrite_progress'

/** The statement that makes the table of progress, and the one that adds an applier to it. */
export const createProgress = `CREATE TABLE ${PROGRESS_TABLE} (origin text PRIMARY KEY, lsn pg_lsn NOT NULL) WITH (fillfactor = 10)`
export const addProgress = `INSERT INTO ${PROGRESS_TABLE} VALUES ($1, '0/0')`
export const readProgress = `SELECT lsn::text AS lsn FROM ${PROGRESS_TABLE} WHERE origin = $1`

/**
 * Applies replicated rows, last writer wins, and moves the applier's progress in the same transaction: $1 is the source
 * position, $2 the source's commit time, $3 the origin's name, then one array a column. The uncorrelated subquery is
 * evaluated once, before the first row, and gives the commit record the source's position and time. The server's own
 * progress of the origin is not used: it moves on to that position even when the transaction is rolled back.
 */
export function applyBatch(table: Table): string {
  return `WITH moved AS (UPDATE ${PROGRESS_TABLE} SET lsn = $1::pg_lsn WHERE origin = $3::text)
  ${applyRows(table, 4, `WHERE (SELECT pg_replication_origin_xact_setup($1::pg_lsn, $2::timestamptz)) IS NOT NULL`)}`
}

/** The same for a part of a source transaction that is not its last: the progress stays where it is. */
export const applyPart = (table: Table): string => applyRows(table, 1, '')

function applyRows(table: Table, first: number, where: string): string {
  const columns = sqlColumns(table)
  return `INSERT INTO ${tableName(table)} AS t (${names(columns)})
  SELECT * FROM unnest(${arrays(columns, first)}) ${where}
  ON CONFLICT (key) DO UPDATE SET ${assignments(columns.slice(1))} WHERE excluded.version > t.version`
}
