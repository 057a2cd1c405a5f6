// Sorting by digits must give what comparing gives, whatever the keys and however many.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PlaceSorter } from './sort-places.ts'

const ROWS = 600

test('places come in the order of (key, place), from one row to many, for small keys, huge ones, and both', (t) => {
  const seed = Date.now() >>> 0
  t.diagnostic(`seed ${seed}`)
  const sorter = new PlaceSorter(ROWS)
  const key = fc.oneof(
    fc.nat(20),
    fc.nat(1_000_000),
    fc.maxSafeNat(),
    fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
  )
  const keys = fc.oneof(fc.array(key, { maxLength: 30 }), fc.array(key, { minLength: 100, maxLength: ROWS }))
  fc.assert(
    fc.property(keys, (drawn) => {
      const places = new Uint32Array(ROWS).fill(7)
      sorter.sort(Float64Array.from(drawn), drawn.length, places)
      const expected = drawn.map((_, place) => place).sort((a, b) => drawn[a] - drawn[b] || a - b)
      assert.deepEqual([...places.subarray(0, drawn.length)], expected)
    }),
    { seed, numRuns: 200 },
  )
})
