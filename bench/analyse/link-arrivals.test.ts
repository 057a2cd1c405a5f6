// The sample of the probes that are compared for their order: which ones it holds is a matter of the probes alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addArrivals, newArrivals, placeFor, type Arrivals } from './link-arrivals.ts'

function gather(dots: readonly number[], most: number): Arrivals {
  const arrivals = newArrivals()
  for (const dot of dots) {
    const at = placeFor(arrivals, dot, most)
    if (at >= 0) arrivals.sentUs[at] = dot
  }
  return arrivals
}

const kept = ({ count, sentUs }: Arrivals) => [...sentUs.subarray(0, count)].sort((a, b) => a - b)

test('whoever gathers probes in whatever order, the same are compared, and no more than may be', () => {
  const seed = Date.now() >>> 0
  const cases = fc.record({
    dots: fc.uniqueArray(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 4000, size: 'max' }),
    most: fc.integer({ min: 20, max: 4000 }),
    cut: fc.nat({ max: 4000 }),
  })
  fc.assert(
    fc.property(cases, ({ dots, most, cut }) => {
      const whole = kept(gather(dots, most))
      assert.ok(whole.length <= most)
      // No less than about half of what may be kept, unless all are.
      if (dots.length <= most) assert.equal(whole.length, dots.length)
      else assert.ok(whole.length > most / 8, `${whole.length} of ${most}`)
      const joined = newArrivals()
      addArrivals(joined, gather(dots.slice(cut).toReversed(), most), most)
      addArrivals(joined, gather(dots.slice(0, cut), most), most)
      assert.deepEqual(kept(joined), whole)
    }),
    { seed, numRuns: 60 },
  )
})
