// What a trial says of a closed loop's rate, with costs that are known.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { autoRate } from './calibrate.ts'
import { loadCost, openShare } from './trial.ts'

const CORES = 4

test('where processors limit the closed loop, the rate falls as the cost of a row rises', () => {
  // 1,000,000 rows in 10 s on 3.2 of 4 cores; then rows that cost twice as much.
  const closed = loadCost(1_000_000, 32, 10, CORES)
  const open = loadCost(300_000, 19.2, 10, CORES)
  assert.deepEqual([closed.cpuUsPerRow, closed.busyShare], [32, 0.8])
  assert.equal(openShare(closed, open), 0.5)
  const found = { acknowledgedPerSecond: 100_000, visiblePerSecond: 90_000, openShare: 0.5 }
  assert.equal(autoRate(found), 27_000)
  assert.equal(autoRate({ ...found, openShare: 1 }), 54_000)
})

test('a rate is never raised, and stays where processors do not limit or costs are not known', () => {
  const closed = loadCost(1_000_000, 32, 10, CORES)
  const dearer = loadCost(300_000, 19.2, 10, CORES)
  const cheaper = loadCost(300_000, 4, 10, CORES)
  assert.equal(openShare(closed, cheaper), 1)
  // The same cost, but of three times as long a time: half of the processors are idle, so something else limits.
  assert.equal(openShare(loadCost(1_000_000, 32, 30, CORES), dearer), 1)
  const unknown = loadCost(1_000_000, null, 10, CORES)
  assert.deepEqual([openShare(unknown, dearer), openShare(closed, unknown)], [1, 1])
  assert.equal(openShare(closed, loadCost(0, 4, 10, CORES)), 1)
})
