// The statistic of a comparison, against planted samples.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomStream } from '../lib/random.ts'
import { medianInterval, ratioOf, type Pair } from './ratio.ts'

const sample = (rate: number, seconds = 2, cpuSeconds = 1) => ({ amount: rate * seconds, seconds, cpuSeconds })

test('the ratio is the median of the pairs’ ratios, not the ratio of medians', () => {
  // The second pair ran while the machine did something else: both sides at a tenth, their ratio as ever.
  const pairs: Pair[] = [
    { geowrite: sample(900), peer: sample(1000) },
    { geowrite: sample(95), peer: sample(100) },
    { geowrite: sample(1000), peer: sample(1000) },
  ]
  const found = ratioOf(pairs, 'second')
  assert.ok(Math.abs(found.ratio - 0.95) < 1e-9, String(found.ratio))
  assert.deepEqual([found.low, found.high], [0.9, 1])
})

test('by CPU-second the time does not count, and by second the CPU does not', () => {
  const pairs: Pair[] = [
    { geowrite: { amount: 100, seconds: 1, cpuSeconds: 4 }, peer: { amount: 100, seconds: 2, cpuSeconds: 1 } },
  ]
  assert.equal(ratioOf(pairs, 'second').ratio, 2)
  assert.equal(ratioOf(pairs, 'client CPU-second').ratio, 0.25)
})

test('five pairs are bounded by the smallest and the largest, which hold the median in 15 of 16 cases', () => {
  const found = medianInterval([5, 1, 4, 2, 3])
  assert.deepEqual(found, { ratio: 3, low: 1, high: 5, confidence: 15 / 16 })
})

test('with more pairs the bounds leave out what the confidence does not need', () => {
  const nine = medianInterval([9, 8, 7, 6, 5, 4, 3, 2, 1])
  // 1 − 2 · (1 + 9) / 2⁹; one value further in it would be 0.82.
  assert.deepEqual(nine, { ratio: 5, low: 2, high: 8, confidence: 1 - 20 / 512 })
  // 1 − 2 · (1 + 20 + 190 + 1140 + 4845 + 15504) / 2²⁰.
  const twenty = medianInterval(Array.from({ length: 20 }, (_, i) => i + 1))
  assert.deepEqual([twenty.low, twenty.high], [6, 15])
  assert.ok(Math.abs(twenty.confidence - (1 - (2 * 21_700) / 2 ** 20)) < 1e-12, String(twenty.confidence))
  const eight = medianInterval([1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual(eight, { ratio: 4.5, low: 1, high: 8, confidence: 1 - 2 / 256 })
})

test('one pair bounds nothing', () => {
  assert.deepEqual(medianInterval([0.97]), { ratio: 0.97, low: 0.97, high: 0.97, confidence: 0 })
})

test('the bounds hold a planted median as often as they say', (t) => {
  const seed = 7
  t.diagnostic(`seed ${seed}`)
  const random = randomStream(seed)
  for (const n of [5, 9, 12]) {
    let held = 0
    let confidence = 0
    const worlds = 4000
    for (let world = 0; world < worlds; world++) {
      // Skewed, with median 1: 4^(u − ½).
      const values = Array.from({ length: n }, () => 4 ** (random.uint32() / 2 ** 32 - 0.5))
      const found = medianInterval(values)
      confidence = found.confidence
      if (found.low <= 1 && found.high >= 1) held++
    }
    assert.ok(Math.abs(held / worlds - confidence) < 0.015, `${n} values: held ${held / worlds}, said ${confidence}`)
  }
})
