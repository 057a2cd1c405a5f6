// The table in CQL: its columns, and the statements on it.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Column } from '../../bench/contract/table.ts'
import { KEYSPACE } from './names.ts'
import { readSettings } from './settings.ts'

/** The one value of a row that is kept whole (cassandra.cells=row): dot and version, 8 bytes each, and the canonical content. */
const ROW_VALUE = 'row'
/** The partition of a row where neighbouring keys share one (cassandra.partition_rows): its number in the order of the keys. */
const KEY_RANGE = 'key_range'
/** Every server makes the table by itself, before it knows the others: the same identity makes it one table when they meet. */
const TABLE_ID = '6765f777-7269-4e65-8000-000000000001'

export interface CqlTable {
  readonly name: string
  readonly own: readonly Column[]
  readonly cells: 'columns' | 'row'
  /** Neighbouring keys that share a partition; 1: every row has one of its own. */
  readonly partitionRows: number
  /** Writes carry the harness's version as their timestamp, cut to this many µs; null: the server's clock orders them. */
  readonly timestampStepUs: number | null
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

export function cqlTable(plan: DeployPlan): CqlTable {
  const { cells, partitionRows, timestamps, timestampStepUs } = readSettings(plan.settings)
  return {
    name: `${KEYSPACE}.${quoted(plan.table.name)}`,
    own: plan.table.columns,
    cells: cells === 'row' ? 'row' : 'columns',
    partitionRows,
    timestampStepUs: timestamps === 'client' ? timestampStepUs : null,
  }
}

/** The columns of the primary key: the partition first, where rows share one. */
const keyColumns = ({ partitionRows }: CqlTable): readonly string[] =>
  partitionRows === 1 ? ['key'] : [KEY_RANGE, 'key']

/** The columns beside the key. */
function storedColumns({ own, cells }: CqlTable): readonly string[] {
  return cells === 'row' ? [ROW_VALUE] : ['dot', 'version', ...own.map(({ name }) => quoted(name))]
}

export function createTable(table: CqlTable): string {
  const columns =
    table.cells === 'row'
      ? [`${ROW_VALUE} blob`]
      : ['dot bigint', 'version bigint', ...table.own.map(({ name, type }) => `${quoted(name)} ${type}`)]
  const keys = keyColumns(table)
  const all = [...keys.map((name) => `${name} bigint`), ...columns, `PRIMARY KEY (${keys.join(', ')})`]
  return `CREATE TABLE ${table.name} (${all.join(', ')}) WITH ID = ${TABLE_ID} AND speculative_retry = 'NONE'`
}

/** An upsert of every column. Parameters: those of the key, the stored columns, and the timestamp where `timed`. */
export function insertRow(table: CqlTable, timed: boolean): string {
  const columns = [...keyColumns(table), ...storedColumns(table)]
  return `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})${timed ? ' USING TIMESTAMP ?' : ''}`
}

/** Lightweight transaction. Parameters: those of the key and the stored columns. */
export const insertIfAbsent = (table: CqlTable): string => `${insertRow(table, false)} IF NOT EXISTS`

/** Lightweight transaction. Parameters: the stored columns, those of the key, and the version that the old one must be below. */
export function updateIfOlder(table: CqlTable): string {
  const set = storedColumns(table).map((column) => `${column} = ?`)
  return `UPDATE ${table.name} SET ${set.join(', ')} WHERE ${keyColumns(table).join(' = ? AND ')} = ? IF version < ?`
}

const isOneOf = (table: CqlTable): string => `${keyColumns(table).join(' IN ? AND ')} IN ?`

/** Parameters: lists of the values of each column of the key. */
export function readVersions(table: CqlTable): string {
  const columns = table.cells === 'row' ? ROW_VALUE : 'dot, version'
  return `SELECT key, ${columns} FROM ${table.name} WHERE ${isOneOf(table)}`
}

/** Parameters: lists of the values of each column of the key. */
export const readRows = (table: CqlTable): string =>
  `SELECT key, ${storedColumns(table).join(', ')} FROM ${table.name} WHERE ${isOneOf(table)}`

/** Parameters: two tokens, of which the first is left out. */
export function readTokenRange(table: CqlTable): string {
  const token = `token(${keyColumns(table)[0]})`
  return `SELECT key, ${storedColumns(table).join(', ')} FROM ${table.name} WHERE ${token} > ? AND ${token} <= ?`
}

/** Replication of the keyspace: copies by DC. `durable`: writes go through the commit log. */
export function keyspaceOptions(copies: Readonly<Record<string, number>>, durable: boolean): string {
  const dcs = Object.entries(copies).map(([dc, count]) => `'${dc}': ${count}`)
  return `${KEYSPACE} WITH replication = {'class': 'NetworkTopologyStrategy', ${dcs.join(', ')}} AND durable_writes = ${durable}`
}
