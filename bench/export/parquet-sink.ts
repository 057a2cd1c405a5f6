// Groups of rows as Parquet, one row group each, compressed with Zstandard: DuckDB, pyarrow, Spark and others read it.
import { zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { OutputFile } from './output-file.ts'
import type { Sink } from './table-writer.ts'
import type { Cell, CellType, ExportColumn, ExportTable } from './tables.ts'

type ColumnSource = Parameters<ParquetWriter['write']>[0]['columnData'][number]
type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number]

const PARQUET_TYPE: Readonly<Record<CellType, Pick<SchemaElement, 'type' | 'converted_type'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
}

function schemaOf({ name, columns }: ExportTable): SchemaElement[] {
  return [
    { name, num_children: columns.length },
    ...columns.map((column): SchemaElement => ({
      name: column.name,
      ...PARQUET_TYPE[column.type],
      repetition_type: column.nullable === true ? 'OPTIONAL' : 'REQUIRED',
    })),
  ]
}

/** Cells as the library takes them; what is never twice the same is not tried as a dictionary. */
function sourceOf({ name, type }: ExportColumn, cells: readonly Cell[]): ColumnSource {
  if (type === 'double') return { name, data: [...cells], encoding: 'PLAIN', offsetIndex: false }
  if (type !== 'int64') return { name, data: [...cells], offsetIndex: false }
  const data = cells.map((cell) => (cell === null ? null : BigInt(cell as number)))
  return { name, data, encoding: 'DELTA_BINARY_PACKED', offsetIndex: false }
}

export class ParquetSink implements Sink {
  readonly #file: OutputFile
  readonly #table: ExportTable
  readonly #bytes = new ByteWriter()
  readonly #writer: ParquetWriter

  /** @param about what a reader may want to know of the file, as its key-value metadata. */
  constructor(path: string, table: ExportTable, about: Readonly<Record<string, string>>) {
    this.#file = new OutputFile(path)
    this.#table = table
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaOf(table),
      codec: 'ZSTD',
      compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
      kvMetadata: Object.entries(about).map(([key, value]) => ({ key, value })),
      createdBy: 'geowrite',
    })
  }

  group(rows: number, columns: readonly (readonly Cell[])[]): void {
    if (rows === 0) return
    const columnData = this.#table.columns.map((column, c) => sourceOf(column, columns[c].slice(0, rows)))
    void this.#writer.write({ columnData, rowGroupSize: rows })
    this.#flush()
  }

  finish(): void {
    void this.#writer.finish()
    this.#flush()
    this.close()
  }

  close(): void {
    this.#file.close()
  }

  /** The library counts positions on; only what is not yet in the file stays in memory. */
  #flush(): void {
    this.#file.append(new Uint8Array(this.#bytes.buffer, 0, this.#bytes.index))
    this.#bytes.index = 0
  }
}
