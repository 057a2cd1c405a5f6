// The walks of the causal workload: who comes first to a row is who may write it first, and then each DC in turn, evenly apart.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causal } from './causal.ts'

function walk(rows: number, dcIndex: number, dcCount: number, phase: number, count: number): Float64Array {
  const keys = new Float64Array(count)
  const plan = { options: { ...causal.defaults, rows }, seed: 1, dcIndex, dcCount, phase }
  causal.stream(plan).next(count, keys, new Uint8Array(count))
  return keys
}

for (const dcCount of [2, 3, 5, 16]) {
  for (const rows of [300, 1001, 60_000]) {
    test(`${dcCount} DCs come to every one of ${rows} rows in the order of the ring, a round ÷ ${dcCount} apart`, () => {
      const round = Math.floor(rows / 3)
      const visits = new Map<number, { dc: number; at: number }[]>()
      for (let dc = 0; dc < dcCount; dc++) {
        walk(rows, dc, dcCount, 3, 2 * round).forEach((key, at) => {
          assert.ok(key < rows)
          visits.set(key, [...(visits.get(key) ?? []), { dc, at }])
        })
      }
      assert.equal(visits.size, round)
      for (const [key, unordered] of visits) {
        const inOrder = unordered.toSorted((a, b) => a.at - b.at)
        assert.equal(causal.takesTurns?.(key, { ...causal.defaults, rows }, dcCount), inOrder[0].dc, `key ${key}`)
        for (let i = 1; i < inOrder.length; i++) {
          assert.equal(inOrder[i].dc, (inOrder[i - 1].dc + 1) % dcCount, `key ${key}`)
          const apart = inOrder[i].at - inOrder[i - 1].at
          assert.ok(Math.abs(apart - round / dcCount) <= 1, `${apart} steps`)
        }
      }
    })
  }
}

test('no two phases share a row, so that each finds every row as it was loaded', () => {
  const phases = [1, 2, 3].map((phase) => new Set(walk(1000, 0, 2, phase, 1000)))
  assert.ok(phases.every((keys) => keys.size === 333))
  assert.equal(phases[0].union(phases[1]).union(phases[2]).size, 999)
})

test('a table of one row has a walk too', () => {
  assert.deepEqual([...walk(1, 1, 2, 3, 3)], [0, 0, 0])
})
