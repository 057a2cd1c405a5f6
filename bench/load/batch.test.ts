import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import { ContentMaker, encodeContent, encodedLength } from '../lib/content.ts'
import { BatchBuffers } from './batch.ts'

const SEED = 20261124
const content = new ContentMaker([{ name: 'note', type: 'text', minBytes: 3, maxBytes: 9 }], SEED)

test('a batch is sorted by key and keeps the last write of each key, the others marked coalesced', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const key = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(Number.MAX_SAFE_INTEGER - 3), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 60 }), (keys) => {
      const buffers = new BatchBuffers(64, content)
      buffers.keys.set(keys)
      buffers.arrived = keys.length
      const batch = buffers.build(1000)
      buffers.stamp(77)
      const last = new Map(keys.map((k, i) => [k, i]))
      const expected = [...last].sort(([a], [b]) => a - b)
      assert.equal(batch.count, expected.length)
      expected.forEach(([k, i], at) => {
        assert.equal(batch.keys[at], k)
        assert.equal(batch.dots[at], 1000 + i)
        assert.equal(batch.versions[at], 77)
        assert.equal(buffers.place[at], i)
        const bytes = new Uint8Array(encodedLength(batch.columns, at))
        encodeContent(batch.columns, at, bytes, 0)
        assert.deepEqual(bytes, content.expected(1000 + i))
      })
      keys.forEach((k, i) => {
        assert.equal(buffers.coalesced[i], last.get(k) === i ? 0 : 1)
        assert.equal(batch.keys[buffers.becomes[i]], k)
      })
    }),
    { seed: SEED, numRuns: 300 },
  )
})

/** A table with two counters, one of which overflows soon, as a store keeps it: row by row. */
const COUNTED = new ContentMaker(
  [
    { name: 'hits', type: 'int', min: 1, max: 9, counter: true },
    { name: 'note', type: 'text', minBytes: 3, maxBytes: 9 },
    { name: 'bytes', type: 'int', min: 1_500_000_000, max: 2_000_000_000, counter: true },
  ],
  SEED,
)
const TABLE_COUNTERS = [0, 2]

interface Row {
  readonly dot: number
  /** Sums by counter; undefined: a tombstone. */
  readonly counters: readonly number[] | undefined
  readonly note: string
}

/** What a store that takes the batch's rows one after another holds afterwards; of sums it keeps 32 bits. */
function apply(table: Map<number, Row>, batch: RowBatch): void {
  for (let i = 0; i < batch.count; i++) {
    const counters = TABLE_COUNTERS.map((c) => (batch.columns[c] as { values: Int32Array }).values[i])
    const text = batch.columns[1] as { pool: Uint8Array; starts: Uint32Array; lengths: Uint16Array }
    const note = Buffer.from(text.pool.subarray(text.starts[i], text.starts[i] + text.lengths[i])).toString('latin1')
    const before = table.get(batch.keys[i])?.counters ?? [0, 0]
    const dot = batch.dots[i]
    if (batch.operations[i] === OPERATION.delete) table.set(batch.keys[i], { dot, counters: undefined, note: '' })
    else if (batch.operations[i] === OPERATION.increment)
      table.set(batch.keys[i], { dot, counters: counters.map((value, c) => (before[c] + value) | 0), note })
    else table.set(batch.keys[i], { dot, counters, note })
  }
}

test('a batch leaves what its writes leave one after another: increments add up, what replaces replaces, deletes delete', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const write = fc.record({ key: fc.integer({ min: 0, max: 4 }), operation: fc.constantFrom(1, 3, 3, 3, 4) })
  fc.assert(
    fc.property(fc.array(fc.array(write, { minLength: 1, maxLength: 30 }), { maxLength: 4 }), (batches) => {
      const [together, single] = [new Map<number, Row>(), new Map<number, Row>()]
      const buffers = new BatchBuffers(30, COUNTED)
      const one = new BatchBuffers(1, COUNTED)
      let dot = 1
      for (const writes of batches) {
        writes.forEach(({ key, operation }, i) => {
          buffers.keys[i] = key
          buffers.operations[i] = operation
          one.keys[0] = key
          one.operations[0] = operation
          one.arrived = 1
          apply(single, one.build(dot + i))
        })
        buffers.arrived = writes.length
        const batch = buffers.build(dot)
        assert.equal(new Set(batch.keys.subarray(0, batch.count)).size, batch.count)
        assert.equal(buffers.coalesced.subarray(0, writes.length).filter((c) => c === 0).length, batch.count)
        apply(together, batch)
        dot += writes.length
      }
      assert.deepEqual(together, single)
    }),
    { seed: SEED, numRuns: 500 },
  )
})
