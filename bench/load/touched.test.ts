import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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
