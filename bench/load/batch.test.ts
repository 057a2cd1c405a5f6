import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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
      const batch = buffers.build(1000, 77)
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
      keys.forEach((k, i) => assert.equal(buffers.coalesced[i], last.get(k) === i ? 0 : 1))
    }),
    { seed: SEED, numRuns: 300 },
  )
})
