// The table under test as Postgres has it: key, dot, version, where causality is exact a column of the version vector a DC,
// then the workload's own columns. Plain data, so that it can be handed to a pipeline's process.
import { escapeIdentifier } from 'pg'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Column } from '../../bench/contract/table.ts'
import { TYPE } from './array-parameter.ts'

/** One column: its name and its type's name and number. */
export interface SqlColumn {
  readonly name: string
  readonly type: 'int8' | 'int4' | 'text'
  readonly typeNumber: number
}

export interface SqlTable {
  readonly name: string
  /** Key, dot, version. */
  readonly harness: readonly SqlColumn[]
  /** By DC: the latest dot of that DC on the key that was taken in, 0 for none. Empty unless causality is exact. */
  readonly vector: readonly SqlColumn[]
  /** The workload's columns; all NULL in a tombstone. */
  readonly own: readonly SqlColumn[]
  /** Names of those of them that `increment` adds to. */
  readonly counters: readonly string[]
}

const int8Column = (name: string): SqlColumn => ({ name, type: 'int8', typeNumber: TYPE.int8 })

const ownColumn = ({ name, type }: Column): SqlColumn =>
  type === 'int' ? { name, type: 'int4', typeNumber: TYPE.int4 } : { name, type: 'text', typeNumber: TYPE.text }

/** The table of a plan. */
export function sqlTable({ table, causality, dcs }: Pick<DeployPlan, 'table' | 'causality' | 'dcs'>): SqlTable {
  const counters = table.columns.filter((column) => column.type === 'int' && column.counter === true)
  return {
    name: table.name,
    harness: ['key', 'dot', 'version'].map(int8Column),
    vector: causality === 'exact' ? dcs.map(({ index }) => int8Column(`seen_${index}`)) : [],
    own: table.columns.map(ownColumn),
    counters: counters.map(({ name }) => name),
  }
}

/** All columns in the order in which they are created and replicated. */
export const allColumns = ({ harness, vector, own }: SqlTable): readonly SqlColumn[] => [...harness, ...vector, ...own]

/** The columns that a batch of the harness fills, in the order in which they are sent. */
export const sentColumns = ({ harness, own }: SqlTable): readonly SqlColumn[] => [...harness, ...own]

/** The table's name, quoted, in the schema that every connection sees. */
export const tableName = ({ name }: { readonly name: string }): string => `public.${escapeIdentifier(name)}`

/** Columns by name, quoted, for a list of columns. */
export const nameList = (columns: readonly SqlColumn[]): string =>
  columns.map(({ name }) => escapeIdentifier(name)).join(', ')

/** One array parameter a column, the first being `$first`. */
export const arrayList = (columns: readonly SqlColumn[], first: number): string =>
  columns.map(({ type }, index) => `$${first + index}::${type}[]`).join(', ')
