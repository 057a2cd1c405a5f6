// Counting fast must give what the library gives, value for value.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DurationCounts } from './duration-counts.ts'
import { microsHistogram } from './histogram.ts'

const durations = fc.array(
  fc.oneof(
    fc.double({ min: -5, max: 3000, noNaN: true }),
    fc.double({ min: 0, max: 1e7, noNaN: true }),
    fc.double({ min: 0, max: 9e9, noNaN: true }),
    fc.constantFrom(2047, 2048, 2049, 4095, 4096, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 33),
  ),
  { minLength: 1, maxLength: 200 },
)
const PERCENTILES = [0, 1, 50, 90, 99, 99.9, 100]

test('every percentile, the count and the extremes are those of the library', () => {
  const seed = Date.now() >>> 0
  fc.assert(
    fc.property(durations, durations, (some, more) => {
      const expected = microsHistogram()
      const [one, other] = [new DurationCounts(), new DurationCounts()]
      for (const us of [...some, ...more]) expected.recordValue(us <= 0 ? 0 : Math.round(us))
      for (const us of some) one.record(us)
      for (const us of more) other.record(us)
      one.add(other)
      const found = one.histogram()
      assert.equal(found.totalCount, expected.totalCount)
      assert.equal(found.maxValue, expected.maxValue)
      for (const percentile of PERCENTILES) {
        assert.equal(found.getValueAtPercentile(percentile), expected.getValueAtPercentile(percentile))
      }
      const above = PERCENTILES.filter((percentile) => percentile > 0)
      assert.deepEqual(
        one.percentilesUs(above),
        above.map((percentile) => expected.getValueAtPercentile(percentile)),
      )
    }),
    { seed, numRuns: 300 },
  )
})
