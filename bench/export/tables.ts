// The tables of an exported ledger: what each column is. docs/ledger.md has the same, and a test compares them.

export type CellType = 'text' | 'int32' | 'int64' | 'double' | 'boolean'
export type Cell = string | number | boolean | null

export interface ExportColumn {
  readonly name: string
  readonly type: CellType
  /** It may be empty. */
  readonly nullable?: true
}

export interface ExportTable {
  readonly name: string
  readonly columns: readonly ExportColumn[]
}

const column = (name: string, type: CellType): ExportColumn => ({ name, type })
const maybe = (name: string, type: CellType): ExportColumn => ({ name, type, nullable: true })

/** Every row write, as its generator knows it. */
export const WRITES_TABLE: ExportTable = {
  name: 'writes',
  columns: [
    column('dc', 'text'),
    column('worker', 'int32'),
    column('phase', 'text'),
    column('key', 'int64'),
    column('dot', 'int64'),
    column('incarnation', 'int32'),
    column('sequence', 'int64'),
    maybe('version', 'int64'),
    column('operation', 'text'),
    column('outcome', 'text'),
    column('intended_us', 'double'),
    maybe('sent_us', 'double'),
    maybe('answered_us', 'double'),
    column('logical_bytes', 'int32'),
    column('coalesced', 'boolean'),
    column('probed', 'boolean'),
    column('declined', 'boolean'),
  ],
}

/** What the prober of each DC saw of writes made elsewhere. */
export const PROBES_TABLE: ExportTable = {
  name: 'probes',
  columns: [
    column('from_dc', 'text'),
    column('to_dc', 'text'),
    column('key', 'int64'),
    column('dot', 'int64'),
    column('sent_us', 'double'),
    maybe('miss_sent_us', 'double'),
    maybe('hit_returned_us', 'double'),
    column('state', 'text'),
  ],
}

/** What each DC held at the end of every key that was written. */
export const FINAL_TABLE: ExportTable = {
  name: 'final',
  columns: [
    column('dc', 'text'),
    column('key', 'int64'),
    maybe('dot', 'int64'),
    maybe('dot_dc', 'text'),
    maybe('version', 'int64'),
    column('state', 'text'),
    maybe('counter', 'int64'),
  ],
}

/** With exact causality: what each stored write found. */
export const CAUSES_TABLE: ExportTable = {
  name: 'causes',
  columns: [
    column('dc', 'text'),
    column('key', 'int64'),
    column('dot', 'int64'),
    column('peer', 'text'),
    maybe('overwrote', 'int64'),
    maybe('seen', 'int64'),
  ],
}

export const EXPORT_TABLES: readonly ExportTable[] = [WRITES_TABLE, PROBES_TABLE, FINAL_TABLE, CAUSES_TABLE]

export const EXPORT_FORMS = ['parquet', 'csv'] as const
export type ExportForm = (typeof EXPORT_FORMS)[number]
