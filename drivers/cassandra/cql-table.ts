// The table in CQL: its columns, and the statements on it.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Column } from '../../bench/contract/table.ts'
import { KEYSPACE } from './names.ts'
import { readSettings } from './settings.ts'

/** The one value of a row that is kept whole (cassandra.cells=row): dot and version, 8 bytes each, and the canonical content. */
const ROW_VALUE = 'row'
/** Every server makes the table by itself, before it knows the others: the same identity makes it one table when they meet. */
const TABLE_ID = '6765f777-7269-4e65-8000-000000000001'

export interface CqlTable {
  readonly name: string
  readonly own: readonly Column[]
  readonly cells: 'columns' | 'row'
  /** Writes carry the harness's version as their timestamp, cut to this many µs; null: the server's clock orders them. */
  readonly timestampStepUs: number | null
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

export function cqlTable(plan: DeployPlan): CqlTable {
  const { cells, timestamps, timestampStepUs } = readSettings(plan.settings)
  return {
    name: `${KEYSPACE}.${quoted(plan.table.name)}`,
    own: plan.table.columns,
    cells: cells === 'row' ? 'row' : 'columns',
    timestampStepUs: timestamps === 'client' ? timestampStepUs : null,
  }
}

/** The columns beside the key. */
function storedColumns({ own, cells }: CqlTable): readonly string[] {
  return cells === 'row' ? [ROW_VALUE] : ['dot', 'version', ...own.map(({ name }) => quoted(name))]
}

export function createTable(table: CqlTable): string {
  const columns =
    table.cells === 'row'
      ? [`${ROW_VALUE} blob`]
      : ['dot bigint', 'version bigint', ...table.own.map(({ name, type }) => `${quoted(name)} ${type}`)]
  return `CREATE TABLE ${table.name} (key bigint PRIMARY KEY, ${columns.join(', ')}) WITH ID = ${TABLE_ID} AND speculative_retry = 'NONE'`
}

/** An upsert of every column. Parameters: key, the stored columns, and the timestamp where `timed`. */
export function insertRow(table: CqlTable, timed: boolean): string {
  const columns = ['key', ...storedColumns(table)]
  return `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})${timed ? ' USING TIMESTAMP ?' : ''}`
}

/** Lightweight transaction. Parameters: key and the stored columns. */
export const insertIfAbsent = (table: CqlTable): string => `${insertRow(table, false)} IF NOT EXISTS`

/** Lightweight transaction. Parameters: the stored columns, key, and the version that the old one must be below. */
export function updateIfOlder(table: CqlTable): string {
  const set = storedColumns(table).map((column) => `${column} = ?`)
  return `UPDATE ${table.name} SET ${set.join(', ')} WHERE key = ? IF version < ?`
}

/** Parameter: a list of keys. */
export function readVersions({ name, cells }: CqlTable): string {
  return `SELECT key, ${cells === 'row' ? ROW_VALUE : 'dot, version'} FROM ${name} WHERE key IN ?`
}

/** Parameter: a list of keys. */
export const readRows = (table: CqlTable): string =>
  `SELECT key, ${storedColumns(table).join(', ')} FROM ${table.name} WHERE key IN ?`

/** Parameters: two tokens, of which the first is left out. */
export const readTokenRange = (table: CqlTable): string =>
  `SELECT key, ${storedColumns(table).join(', ')} FROM ${table.name} WHERE token(key) > ? AND token(key) <= ?`

/** Replication of the keyspace: copies by DC. `durable`: writes go through the commit log. */
export function keyspaceOptions(copies: Readonly<Record<string, number>>, durable: boolean): string {
  const dcs = Object.entries(copies).map(([dc, count]) => `'${dc}': ${count}`)
  return `${KEYSPACE} WITH replication = {'class': 'NetworkTopologyStrategy', ${dcs.join(', ')}} AND durable_writes = ${durable}`
}
