import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { createTable, insertRow, readRows, readTokenRange, updateIfOlder, type CqlTable } from './cql-table.ts'
import { forEachSpan, partitionSpans, resultOf } from './partition-batches.ts'
import { keyLists, keyValues } from './row-values.ts'

const table = (partitionRows: number): CqlTable => ({
  name: 'geowrite."rows"',
  own: [{ name: 'note', type: 'text', minBytes: 1, maxBytes: 9 }],
  cells: 'columns',
  partitionRows,
  timestampStepUs: 1,
})
const batchOf = (...keys: number[]) => ({ keys: Float64Array.from([...keys, 0, 0]), count: keys.length })

test('the rows of a batch fall apart by partition, in their order, each in one span', () => {
  const spans = (rows: number, ...keys: number[]) =>
    partitionSpans(table(rows), batchOf(...keys)).map(({ from, to }) => [from, to])
  assert.deepEqual(spans(50, 0, 49, 50, 51, 99, 2 ** 50), [
    [0, 2],
    [2, 5],
    [5, 6],
  ])
  assert.deepEqual(spans(1, 4, 5), [
    [0, 1],
    [1, 2],
  ])
  assert.deepEqual(spans(1000, 7), [[0, 1]])
})

test('a row that shares its partition has two columns of key; one that does not has one, as before', () => {
  const ints = (values: readonly Buffer[]) => values.map((value) => Number(value.readBigInt64BE()))
  assert.deepEqual(ints(keyValues(table(50), 149)), [2, 149])
  assert.deepEqual(ints(keyValues(table(1), 149)), [149])
  const lists = keyLists(table(50), Float64Array.of(99, 149, 101)).map((list) =>
    Array.from({ length: list.readInt32BE() }, (_, i) => Number(list.readBigInt64BE(8 + 12 * i))),
  )
  assert.deepEqual(lists, [
    [1, 2],
    [99, 149, 101],
  ])
  assert.match(createTable(table(50)), /\(key_range bigint, key bigint, .* PRIMARY KEY \(key_range, key\)\)/)
  assert.match(createTable(table(1)), /\(key bigint, .* PRIMARY KEY \(key\)\)/)
  assert.match(
    insertRow(table(50), true),
    /\(key_range, key, dot, version, "note"\) VALUES \(\?, \?, \?, \?, \?\) USING/,
  )
  assert.match(updateIfOlder(table(50)), /WHERE key_range = \? AND key = \? IF version < \?$/)
  assert.match(updateIfOlder(table(1)), /WHERE key = \? IF version < \?$/)
  assert.match(readRows(table(50)), /WHERE key_range IN \? AND key IN \?$/)
  assert.match(readTokenRange(table(50)), /WHERE token\(key_range\) > \? AND token\(key_range\) <= \?$/)
})

test('outcomes are told row by row where partitions had different ones, and once where they had the same', () => {
  const spans = [
    { from: 0, to: 2 },
    { from: 2, to: 3 },
  ]
  const ok = { outcome: OUTCOME.ok }
  const refused: WriteResult = { outcome: OUTCOME.fail, error: 'unavailable' }
  assert.deepEqual(resultOf(spans, [ok, ok]), ok)
  assert.deepEqual(resultOf(spans, [refused, refused]), refused)
  assert.deepEqual(resultOf(spans, [ok, refused]), {
    outcome: OUTCOME.info,
    rowOutcomes: Uint8Array.of(OUTCOME.ok, OUTCOME.ok, OUTCOME.fail),
    error: 'unavailable',
  })
})

test('spans are written so many at once and no more, and their results keep the order of the spans', async () => {
  const spans = Array.from({ length: 7 }, (_, i) => ({ from: i, to: i + 1 }))
  let underWay = 0
  let most = 0
  const results = await forEachSpan(spans, 3, async ({ from }) => {
    most = Math.max(most, ++underWay)
    // Earlier ones take longer.
    for (let turn = from; turn < 10; turn++) await Promise.resolve()
    underWay--
    return { outcome: OUTCOME.ok, error: String(from) }
  })
  assert.equal(most, 3)
  assert.deepEqual(
    results.map(({ error }) => error),
    ['0', '1', '2', '3', '4', '5', '6'],
  )
})
