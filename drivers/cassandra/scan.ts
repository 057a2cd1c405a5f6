// Reads rows of one DC: of given keys, or the whole table by token ranges, page by page. The store has no digest of its own that
// could be compared by bucket, so that the rows are hashed here.
import type { types } from 'cassandra-driver'
import type { Digest, RowSelection, RowStates } from '../../bench/contract/driver.ts'
import { nowUs } from '../../bench/lib/clock.ts'
import { DigestSum } from '../../bench/lib/digest-sum.ts'
import { readRows, readTokenRange, type CqlTable } from './cql-table.ts'
import { keyLists, readInt64 } from './row-values.ts'
import { execute, type Server } from './server.ts'

const KEYS_PER_READ = 200
const READS_AT_ONCE = 4
const TOKEN_RANGES = 64
const PAGE_ROWS = 5000

type Row = types.Row

const token = (value: bigint): Buffer => {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

/** The tokens between which the table is read; the partitioner gives no key the least one. */
const BOUNDS = Array.from({ length: TOKEN_RANGES + 1 }, (_, i) => {
  const bound = -(2n ** 63n) + (2n ** 64n / BigInt(TOKEN_RANGES)) * BigInt(i)
  return token(i === TOKEN_RANGES ? 2n ** 63n - 1n : bound)
})

export interface ScannedDc {
  readonly server: Server
  readonly table: CqlTable
  readonly consistency: number
}

/** The canonical encoding of a row's own columns; empty for a tombstone. A column that is missing adds nothing. */
function contentOf(table: CqlTable, row: Row): Uint8Array {
  if (table.cells === 'row') return (row.row as Buffer).subarray(16)
  const parts = table.own.map(({ name, type }) => {
    const value = row[name] as string | number | null
    if (value === null) return Buffer.alloc(0)
    if (type === 'int') {
      const bytes = Buffer.allocUnsafe(4)
      bytes.writeInt32LE(value as number)
      return bytes
    }
    const text = Buffer.from(value as string, 'utf8')
    const bytes = Buffer.allocUnsafe(2 + text.length)
    bytes.writeUInt16LE(text.length)
    text.copy(bytes, 2)
    return bytes
  })
  return Buffer.concat(parts)
}

const longOf = (value: unknown): number => (value === null ? 0 : (value as types.Long).toNumber())

function statesOf(table: CqlTable, rows: readonly Row[]): RowStates {
  const head = (row: Row, at: 0 | 8, name: string) =>
    table.cells === 'row' ? readInt64(row.row as Buffer, at) : longOf(row[name])
  return {
    count: rows.length,
    keys: Float64Array.from(rows, (row) => longOf(row.key)),
    dots: Float64Array.from(rows, (row) => head(row, 0, 'dot')),
    versions: Float64Array.from(rows, (row) => head(row, 8, 'version')),
    contents: rows.map((row) => contentOf(table, row)),
  }
}

/** Reads that are to be made one after another, each with its statement and values. */
function readsOf(table: CqlTable, keys: Float64Array | undefined): readonly (readonly [string, readonly Buffer[]])[] {
  if (keys !== undefined) {
    return Array.from({ length: Math.ceil(keys.length / KEYS_PER_READ) }, (_, i) => [
      readRows(table),
      keyLists(table, keys.subarray(i * KEYS_PER_READ, (i + 1) * KEYS_PER_READ)),
    ])
  }
  return BOUNDS.slice(1).map((end, i) => [readTokenRange(table), [BOUNDS[i], end]])
}

/** Hands over the rows of the keys, or of the whole table, page by page, in no order; some reads are under way at once. */
async function scan(
  { server, table, consistency }: ScannedDc,
  keys: Float64Array | undefined,
  take: (rows: RowStates) => void,
): Promise<void> {
  const reads = readsOf(table, keys)
  let next = 0
  const reader = async () => {
    while (next < reads.length) {
      const [text, values] = reads[next++]
      let pageState: Buffer | string | undefined
      do {
        const options = { consistency, fetchSize: PAGE_ROWS, ...(pageState === undefined ? {} : { pageState }) }
        const page = await execute(server, text, values, options)
        take(statesOf(table, page.rows))
        pageState = page.pageState ?? undefined
      } while (pageState !== undefined)
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
}

/** A digest of one DC. It is no snapshot: rows are read between its two times. */
export async function digestTable(
  dc: ScannedDc,
  { buckets, keys }: { readonly buckets: number; readonly keys?: Float64Array },
): Promise<Digest> {
  const sum = new DigestSum(buckets)
  const startedUs = nowUs()
  await scan(dc, keys, ({ count, keys: found, dots, versions, contents }) => {
    for (let i = 0; i < count; i++) sum.addRow(found[i], dots[i], versions[i], contents[i])
  })
  return { startedUs, endedUs: nowUs(), counts: sum.counts, sums: sum.sums, xors: sum.xors }
}

/** The selected rows of one DC. A bucket is found by reading the whole table. */
export async function selectedRows(dc: ScannedDc, selection: RowSelection): Promise<readonly RowStates[]> {
  const blocks: RowStates[] = []
  if ('keys' in selection) {
    await scan(dc, selection.keys, (rows) => void blocks.push(rows))
    return blocks
  }
  const { bucket, buckets } = selection
  await scan(dc, undefined, (rows) => void blocks.push(onlyOf(rows, (key) => key % buckets === bucket)))
  return blocks
}

function onlyOf(rows: RowStates, wanted: (key: number) => boolean): RowStates {
  const places = Array.from(rows.keys.keys()).filter((i) => wanted(rows.keys[i]))
  return {
    count: places.length,
    keys: Float64Array.from(places, (i) => rows.keys[i]),
    dots: Float64Array.from(places, (i) => rows.dots[i]),
    versions: Float64Array.from(places, (i) => rows.versions[i]),
    contents: places.map((i) => rows.contents[i]),
  }
}
