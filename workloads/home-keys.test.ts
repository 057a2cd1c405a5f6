// Keys are drawn ahead in blocks, and still end where a DC has no key of its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { homeKeys } from './home-keys.ts'

const plan = (rows: number, dcIndex: number, overlap: number) => ({
  options: { rows, overlap, skew: 0.99, distribution: 'zipfian', deletes: 0 } as const,
  seed: 7,
  dcIndex,
  dcCount: 2,
  phase: 3,
})

const drawn = (count: number, ...of: Parameters<typeof plan>): number[] => {
  const next = homeKeys(plan(...of))
  return Array.from({ length: count }, next)
}

test('a table of one row is written in both DCs, also by the one where it is not at home', () => {
  for (const dcIndex of [0, 1]) assert.deepEqual(new Set(drawn(5000, 1, dcIndex, 0)), new Set([0]))
})

test('without overlap no key is drawn in both DCs, and together they draw all', () => {
  const [west, east] = [0, 1].map((dcIndex) => new Set(drawn(20_000, 100, dcIndex, 0)))
  assert.equal(west.intersection(east).size, 0)
  assert.equal(west.union(east).size, 100)
})

test('the same plan draws the same keys, those remembered and those looked up anew', () => {
  assert.deepEqual(drawn(3000, 1000, 1, 0.3), drawn(3000, 1000, 1, 0.3))
})
