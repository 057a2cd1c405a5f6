// Order-independent digests of the table, computed by the server.
import type { Client } from 'pg'
import { escapeIdentifier } from 'pg'
import type { Digest } from '../../bench/contract/driver.ts'
import { nowUs } from '../../bench/lib/clock.ts'
import { ArrayParameter, TYPE } from './array-parameter.ts'
import { nameList, sentColumns, tableName, type SqlColumn, type SqlTable } from './sql-table.ts'

/**
 * A 64-bit hash of the whole row: each column's hash is seeded with that of the columns before it. The server's hash of an
 * int8 folds its halves into one word first, so that the halves go in one after the other. A tombstone's columns go in as empty
 * ones, and how many are NULL tells it from a row. Vectors are left out: rows are equal whatever their DCs know of others.
 */
function rowHash(table: SqlTable): string {
  const hash = ({ name, type }: SqlColumn, seed: string): string => {
    const column = escapeIdentifier(name)
    if (type === 'text') return `hashtextextended(coalesce(${column}, ''), ${seed})`
    if (type === 'int4') return `hashint4extended(coalesce(${column}, 0), ${seed})`
    return `hashint8extended(${column} >> 32, hashint8extended(${column} & 4294967295, ${seed}))`
  }
  const nulls = table.own.length === 0 ? '0' : `num_nulls(${nameList(table.own)})`
  return sentColumns(table).reduce((seed, column) => hash(column, seed), `hashint4extended(${nulls}, 0)`)
}

/** The keys as the binary array of one parameter. */
export function keysParameter(keys: Float64Array): Buffer {
  const array = new ArrayParameter(TYPE.int8)
  for (let i = 0; i < keys.length; i++) array.addInt64(keys[i])
  return array.take()
}

/** Digests the whole table, or the given keys of it, in one snapshot. */
export async function digestTable(
  client: Client,
  table: SqlTable,
  { buckets, keys }: { readonly buckets: number; readonly keys?: Float64Array },
): Promise<Digest> {
  // Sums of int8 are kept in 128 bits and come out whole, so that they can be cut to 64 bits here.
  const text = `SELECT bucket, count(*), sum(hash), bit_xor(hash) FROM (
    SELECT (key % ${Math.trunc(buckets)})::int4 AS bucket, ${rowHash(table)} AS hash
    FROM ${tableName(table)} ${keys === undefined ? '' : 'WHERE key = ANY($1::int8[])'}) AS hashed
  GROUP BY bucket`
  const values = keys === undefined ? [] : [keysParameter(keys)]
  const startedUs = nowUs()
  const { rows } = await client.query<string[]>({ text, values, rowMode: 'array' })
  const endedUs = nowUs()
  const digest = {
    startedUs,
    endedUs,
    counts: new Float64Array(buckets),
    sums: new BigUint64Array(buckets),
    xors: new BigUint64Array(buckets),
  }
  for (const [bucketText, count, sum, xor] of rows) {
    const bucket = Number(bucketText)
    digest.counts[bucket] = Number(count)
    digest.sums[bucket] = BigInt.asUintN(64, BigInt(sum))
    digest.xors[bucket] = BigInt.asUintN(64, BigInt(xor))
  }
  return digest
}
