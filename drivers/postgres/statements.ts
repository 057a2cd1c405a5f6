// The statements that make the table under test, fill it and read it.
import { escapeIdentifier } from 'pg'
import { nameList, sentColumns, tableName, type SqlTable } from './sql-table.ts'

/**
 * The statement that makes the table. Text is kept in the row: what is replicated must always be whole. Own columns are
 * NULL in a tombstone.
 */
export function createTable(table: SqlTable, fillfactor: number): string {
  const columns = [
    ...table.harness.map(({ name, type }) => `${escapeIdentifier(name)} ${type} NOT NULL`),
    ...table.vector.map(({ name, type }) => `${escapeIdentifier(name)} ${type} NOT NULL DEFAULT 0`),
    ...table.own.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`),
  ]
  return `CREATE TABLE ${tableName(table)} (${columns.join(', ')}, ${primaryKey(table)}) WITH (fillfactor = ${fillfactor})`
}

/** The name of the primary key, for dropping it while the table is loaded. */
export const primaryKeyName = ({ name }: SqlTable): string => escapeIdentifier(`${name}_pkey`)

/** The primary key's clause, for the table and for adding it again after loading. */
export const primaryKey = (table: SqlTable): string => `CONSTRAINT ${primaryKeyName(table)} PRIMARY KEY (key)`

/** Loads rows in COPY's binary format: none of them is the write of a DC. Only for a table made empty in the same transaction. */
export const loadRows = (table: SqlTable): string =>
  `COPY ${tableName(table)} (${nameList(sentColumns(table))}) FROM STDIN (FORMAT binary, FREEZE)`

/** Writes rows in COPY's binary format; where there is a vector, the DC's own place in it comes last. */
export function copyRows(table: SqlTable, dcIndex: number): string {
  const columns = [...sentColumns(table), ...table.vector.slice(dcIndex, dcIndex + 1)]
  return `COPY ${tableName(table)} (${nameList(columns)}) FROM STDIN (FORMAT binary)`
}

/** Which dots, versions and vectors a DC holds for the keys of one array. */
export const readVersions = (table: SqlTable): string =>
  `SELECT ${nameList([...table.harness, ...table.vector])} FROM ${tableName(table)} WHERE key = ANY($1::int8[])`
