import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import { ContentMaker } from '../../bench/lib/content.ts'
import { packDot } from '../../bench/lib/dot.ts'
import type { CqlTable } from './cql-table.ts'
import { insertValues, int64, keyLists, readInt64 } from './row-values.ts'

const COLUMNS = [
  { name: 'note', type: 'text', minBytes: 3, maxBytes: 9 },
  { name: 'amount', type: 'int', min: -2_000_000_000, max: 2_000_000_000 },
] as const
const maker = new ContentMaker(COLUMNS, 7)
const DOT = packDot(15, 8191, 2 ** 36 - 1)
const VERSION = 1_790_000_000_123_456

const table = (change: Partial<CqlTable> = {}): CqlTable => ({
  name: 'geowrite."rows"',
  own: COLUMNS,
  cells: 'columns',
  partitionRows: 1,
  timestampStepUs: 1,
  ...change,
})

function batchOf(operation: number): RowBatch {
  const columns = maker.allocate(1)
  maker.fill(columns, 0, DOT)
  return {
    count: 1,
    keys: Float64Array.of(42),
    dots: Float64Array.of(DOT),
    versions: Float64Array.of(VERSION),
    operations: Uint8Array.of(operation),
    columns,
    atomic: false,
  }
}

test('every safe integer is encoded as the int64 that it is, and read back', () => {
  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, VERSION, DOT, Number.MAX_SAFE_INTEGER]) {
    assert.equal(int64(value).readBigInt64BE(), BigInt(value))
    assert.equal(readInt64(Buffer.concat([Buffer.alloc(3), int64(value)]), 3), value)
  }
})

test('a list of keys holds its length and each key with its own length', () => {
  const [bytes] = keyLists(table(), Float64Array.of(5, 2 ** 40 + 3))
  assert.equal(bytes.length, 4 + 2 * 12)
  assert.equal(bytes.readInt32BE(0), 2)
  assert.equal(bytes.readInt32BE(4), 8)
  assert.equal(bytes.readBigInt64BE(8), 5n)
  assert.equal(bytes.readInt32BE(16), 8)
  assert.equal(bytes.readBigInt64BE(20), BigInt(2 ** 40 + 3))
})

test('a row is its key, dot, version, own columns, and its version once more as the timestamp', () => {
  const [key, dot, version, note, amount, timestamp, ...rest] = insertValues(table(), batchOf(OPERATION.upsert), 0)
  assert.deepEqual(
    [key, dot, version, timestamp].map((value) => value?.readBigInt64BE()),
    [42n, BigInt(DOT), BigInt(VERSION), BigInt(VERSION)],
  )
  const expected = Buffer.from(maker.expected(DOT))
  const length = expected.readUInt16LE(0)
  assert.equal(note?.toString('latin1'), expected.toString('latin1', 2, 2 + length))
  assert.equal(amount?.readInt32BE(), expected.readInt32LE(2 + length))
  assert.deepEqual(rest, [])
})

test('timestamps are cut to the step, and left out where the server’s clock counts', () => {
  const cut = insertValues(table({ timestampStepUs: 1000 }), batchOf(OPERATION.upsert), 0)
  assert.equal(cut.at(-1)?.readBigInt64BE(), 1_790_000_000_123_000n)
  assert.equal(insertValues(table({ timestampStepUs: null }), batchOf(OPERATION.upsert), 0).length, 5)
})

test('a tombstone keeps dot and version without content, in columns and as one value', () => {
  const [, dot, version, note, amount] = insertValues(table(), batchOf(OPERATION.delete), 0)
  assert.deepEqual(
    [dot?.readBigInt64BE(), version?.readBigInt64BE(), note, amount],
    [BigInt(DOT), BigInt(VERSION), null, null],
  )
  assert.equal(insertValues(table({ cells: 'row' }), batchOf(OPERATION.delete), 0)[1]?.length, 16)
})

test('a row kept as one value holds dot, version and the canonical content', () => {
  const [, value] = insertValues(table({ cells: 'row' }), batchOf(OPERATION.insert), 0)
  assert.ok(value)
  assert.equal(readInt64(value, 0), DOT)
  assert.equal(readInt64(value, 8), VERSION)
  assert.deepEqual(value.subarray(16), Buffer.from(maker.expected(DOT)))
})
