import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomStream } from '../lib/random.ts'
import { sortKeys } from './sort-keys.ts'
import { mergeKeys, TouchedKeys } from './touched.ts'

const SEED = 20261124

test('touched keys come out once each in ascending order, whatever their size', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const key = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 10_000_000 }), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.array(key, { maxLength: 80 }), fc.array(key, { maxLength: 80 }), (one, two) => {
      const lists = [one, two].map((keys) => {
        const touched = new TouchedKeys()
        for (const k of keys) touched.add(k)
        const got = touched.ascending()
        assert.deepEqual(
          [...got],
          [...new Set(keys)].toSorted((a, b) => a - b),
        )
        return got
      })
      assert.deepEqual(
        [...mergeKeys(lists)],
        [...new Set([...one, ...two])].toSorted((a, b) => a - b),
      )
    }),
    { seed: SEED, numRuns: 200 },
  )
})

test('many keys are sorted as few are', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const random = randomStream(SEED, 1)
  for (const most of [2 ** 53, 2 ** 33, 5]) {
    const keys = Float64Array.from({ length: 50_000 }, () => Math.floor(random.unit() * most))
    const expected = keys.toSorted()
    assert.deepEqual(sortKeys(keys), expected)
  }
})

test('appended keys, more than a chunk of them and asked for twice, come out once each', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const random = randomStream(SEED, 2)
  const touched = new TouchedKeys()
  const expected = new Set<number>()
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 100_000; i++) {
      // Some below 2³¹, some met again.
      const key = Math.floor(random.unit() * (i % 10 === 0 ? 1000 : 2 ** 34))
      touched.add(key)
      expected.add(key)
    }
    assert.deepEqual(touched.ascending(), Float64Array.from(expected).sort())
  }
})

test('lists of several workers become one', () => {
  const lists = [[1, 5, 9], [], [2, 5], [9, 2 ** 40], [0]].map((keys) => Float64Array.from(keys))
  assert.deepEqual([...mergeKeys(lists)], [0, 1, 2, 5, 9, 2 ** 40])
  assert.deepEqual([...mergeKeys([])], [])
})
