// Trends, proportions, batch means and formats against values known by hand or by construction.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomStream } from '../lib/random.ts'
import { SignedHistogram } from './histograms.ts'
import { formatFigure } from './numbers.ts'
import { batchMeansHalfWidth, medianWithSpread, trendOf, wilson } from './statistics.ts'

test('a straight line has its own rise as trend, a flat one none', () => {
  const line = trendOf([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  assert.equal(line?.change, 9)
  assert.ok((line?.z ?? 0) > 3.9)
  assert.deepEqual(trendOf(new Array(10).fill(5)), { change: 0, z: 0, median: 5 })
  assert.equal(trendOf([1, 2, 3]), null)
})

test('one outlier does not make a trend', () => {
  assert.equal(trendOf([5, 5, 5, 5, 5, 5, 5, 5, 5, 900])?.change, 0)
})

test('steady noise is called a trend in about one of a hundred series', () => {
  const random = randomStream(5, 1)
  let called = 0
  for (let i = 0; i < 1000; i++) {
    const trend = trendOf(Array.from({ length: 20 }, () => random.unit()))
    if (Math.abs(trend?.z ?? 0) > 2.58) called++
  }
  assert.ok(called < 25, `seed 5: ${called} of 1000`)
})

test('Wilson’s interval holds the share, and nothing known is everything possible', () => {
  assert.deepEqual(wilson(0, 0), { low: 0, high: 1 })
  const half = wilson(50, 100)
  assert.ok(Math.abs(half.low - 0.4038) < 1e-4 && Math.abs(half.high - 0.5962) < 1e-4)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const hits = Math.round(n * share)
      const { low, high } = wilson(hits, n)
      assert.ok(low <= hits / n && hits / n <= high)
    }),
  )
})

test('the half-width of batch means covers the true mean in about 95 of 100 cases', () => {
  const random = randomStream(9, 1)
  let covered = 0
  for (let i = 0; i < 1000; i++) {
    const batches = Array.from({ length: 12 }, () => random.unit())
    const mean = batches.reduce((sum, value) => sum + value, 0) / batches.length
    if (Math.abs(mean - 0.5) <= (batchMeansHalfWidth(batches) ?? 0)) covered++
  }
  assert.ok(covered > 920 && covered < 980, `seed 9: ${covered} of 1000`)
  assert.equal(batchMeansHalfWidth([1, 2]), null)
})

test('a median over repeats is n/a as soon as one of them is', () => {
  assert.deepEqual(medianWithSpread([3, 1, 2]), { value: 2, low: 1, high: 3 })
  assert.deepEqual(medianWithSpread([3, null]), { value: null, low: null, high: null })
})

test('signed percentiles are those of the sorted values, to three digits', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 60 }), (values) => {
      const histogram = new SignedHistogram()
      for (const value of values) histogram.record(value)
      const sorted = [...values].sort((a, b) => a - b)
      for (const percent of [1, 50, 90, 99, 100]) {
        const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
        const found = histogram.percentileUs(percent) ?? Number.NaN
        assert.ok(Math.abs(found - exact) <= Math.abs(exact) / 1000 + 1, `${percent}: ${found}, not ${exact}`)
      }
    }),
  )
})

test('figures have six digits, counts all of theirs, no exponent, and n/a is empty', () => {
  assert.deepEqual([0, 1, 1234567.8, 0.000012345678, -2.5, 1e21, null, Number.NaN].map(formatFigure), [
    '0',
    '1',
    '1234568',
    '0.0000123457',
    '-2.5',
    '1000000000000000000000',
    '',
    '',
  ])
})
