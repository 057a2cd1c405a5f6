// What an applier takes from its queue: whole transactions, sorted, each key once, nothing lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { int64, tuple } from '../replication/pgoutput.fixture.ts'
import { TYPE } from './array-parameter.ts'
import { PART_ROWS_MAX, RowQueue } from './row-queue.ts'

const COLUMNS = ['key', 'dot', 'version'].map((name) => ({ name, type: 'int8', typeNumber: TYPE.int8 }) as const)

function push(queue: RowQueue, key: number, version: number): void {
  const bytes = tuple([int64(key), int64(version * 2), int64(version)])
  queue.push(key, version, bytes, 0, bytes.length)
}

const readInt64s = (array: Buffer): number[] =>
  Array.from({ length: array.readInt32BE(12) }, (_, index) => Number(array.readBigInt64BE(20 + index * 12 + 4)))

const positionOf = (transaction: number): Buffer => Buffer.concat([int64(transaction), int64(0)])

test('every batch is sorted, holds each key once with its highest version, and ends at a transaction', () => {
  // Beyond 2^39 a key has no room beside its place.
  const key = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 2 ** 39 - 2, max: 2 ** 39 + 2 }))
  const change = fc.record({ key, version: fc.integer({ min: 1, max: 1000 }) })
  const transactions = fc.array(fc.array(change, { minLength: 1, maxLength: 15 }), { maxLength: 30 })
  fc.assert(
    fc.property(
      transactions,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 4 }),
      (sent, rowsMax, takeEvery) => {
        const queue = new RowQueue(COLUMNS)
        let done = 0
        const takeAll = () => {
          for (let batch = queue.take(rowsMax, false); batch !== undefined; batch = queue.take(rowsMax, false)) {
            const included = sent.slice(done, done + batch.transactions.length)
            const changes = included.flat()
            assert.ok(
              included.length === 1 || changes.length <= rowsMax,
              'more than one transaction only within the bound',
            )
            const newest = new Map<number, number>()
            for (const { key, version } of changes) newest.set(key, Math.max(version, newest.get(key) ?? 0))
            const expected = [...newest].sort(([a], [b]) => a - b)
            const [keys, dots, versions] = batch.arrays.map(readInt64s)
            assert.deepEqual(
              keys,
              expected.map(([key]) => key),
            )
            assert.deepEqual(
              versions,
              expected.map(([, version]) => version),
            )
            assert.deepEqual(
              dots,
              expected.map(([, version]) => version * 2),
              'columns stay together',
            )
            assert.equal(batch.rows + batch.superseded, changes.length)
            done += included.length
            assert.deepEqual(batch.position, positionOf(done))
          }
        }
        sent.forEach((changes, index) => {
          for (const { key, version } of changes) push(queue, key, version)
          queue.mark({ endLsn: index + 1, waiting: 1 }, positionOf(index + 1))
          if (index % takeEvery === 0) takeAll()
        })
        takeAll()
        assert.equal(done, sent.length)
      },
    ),
  )
})

test('rows of a transaction that has not ended stay in the queue', () => {
  const queue = new RowQueue(COLUMNS)
  push(queue, 1, 16)
  assert.equal(queue.take(100, false), undefined)
  queue.mark({ endLsn: 1, waiting: 1 }, positionOf(1))
  assert.equal(queue.take(100, false)?.rows, 1)
  assert.equal(queue.take(100, false), undefined)
})

test('a transaction of more rows than memory should hold is taken in parts, and only the last moves the position', () => {
  const queue = new RowQueue(COLUMNS)
  const count = PART_ROWS_MAX * 2 + 10
  const parts: [number, boolean][] = []
  const takeAll = () => {
    for (let part = queue.take(2000, false); part !== undefined; part = queue.take(2000, false)) {
      parts.push([part.rows, part.position !== undefined])
    }
  }
  for (let key = 0; key < count; key++) {
    push(queue, key, 16)
    if (key % 1000 === 999) takeAll()
  }
  queue.mark({ endLsn: 1, waiting: 1 }, positionOf(1))
  takeAll()
  assert.deepEqual(parts, [
    [PART_ROWS_MAX, false],
    [PART_ROWS_MAX, false],
    [10, true],
  ])
})

test('a transaction that has not ended is cut when memory is full, and ends with what came after', () => {
  const queue = new RowQueue(COLUMNS)
  push(queue, 1, 16)
  push(queue, 2, 16)
  const cut = queue.take(100, true)
  assert.deepEqual([cut?.rows, cut?.position, cut?.transactions.length], [2, undefined, 0])
  assert.equal(queue.take(100, true), undefined)
  queue.mark({ endLsn: 5, waiting: 1 }, positionOf(5))
  const rest = queue.take(100, true)
  assert.deepEqual([rest?.rows, rest?.position, rest?.transactions.length], [0, positionOf(5), 1])
})

test('a row with a number of another length, or with more than its columns, is not applied', () => {
  const good = [int64(1), int64(2), int64(16)]
  const bad = [
    ...good.flatMap((number, place) =>
      [number.subarray(1), Buffer.concat([number, number])].map((other) => tuple(good.with(place, other))),
    ),
    Buffer.concat([tuple(good), Buffer.from('n')]),
  ]
  for (const bytes of bad) {
    const queue = new RowQueue(COLUMNS)
    queue.push(1, 16, bytes, 0, bytes.length)
    queue.mark({ endLsn: 1, waiting: 1 }, positionOf(1))
    assert.throws(() => queue.take(100, false), { name: 'BenchError', code: 'FORMAT' }, bytes.toString('hex'))
  }
})

test('a tuple that does not end where its row ends is not applied, whatever lies behind it', () => {
  const bytes = tuple([int64(1), int64(2), int64(16)])
  for (let end = 2; end < bytes.length; end++) {
    const queue = new RowQueue(COLUMNS)
    // What follows in the chunk reads as nulls.
    queue.push(1, 16, Buffer.concat([bytes.subarray(0, end), Buffer.alloc(40, 'n')]), 0, end)
    queue.mark({ endLsn: 1, waiting: 1 }, positionOf(1))
    assert.throws(() => queue.take(100, false), { code: 'FORMAT' }, `cut after ${end} bytes`)
  }
})
