import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schedule, type SchedulePlan } from './schedule.ts'

const SEED = 20261124
const plan: SchedulePlan = { arrivals: 'poisson', rowsPerSecond: 5000, seed: SEED, dcIndex: 1, dcCount: 2, phase: 3 }

function take(given: SchedulePlan, count: number, chunk: number): Float64Array {
  const next = schedule(given)
  const all = new Float64Array(count)
  for (let at = 0; at < count; at += chunk) next(Math.min(chunk, count - at), all.subarray(at))
  return all
}

test('a constant schedule stands at exact multiples of the gap, shifted by DC', () => {
  const got = take({ ...plan, arrivals: 'constant' }, 100_000, 777)
  for (let i = 0; i < got.length; i++) assert.equal(got[i], 100 + i * 200)
})

test('a Poisson schedule has exponential gaps: mean, variance and the share above the mean', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const got = take(plan, 200_000, 4096)
  const gaps = got.map((at, i) => at - (i === 0 ? 0 : got[i - 1]))
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length
  const variance = gaps.reduce((a, b) => a + (b - mean) ** 2, 0) / gaps.length
  assert.ok(Math.abs(mean / 200 - 1) < 0.01)
  assert.ok(Math.abs(Math.sqrt(variance) / 200 - 1) < 0.02)
  const above = gaps.filter((gap) => gap > 200).length / gaps.length
  assert.ok(Math.abs(above - Math.exp(-1)) < 0.005)
})

test('the schedule does not depend on how it is asked for, but on seed, DC and phase', () => {
  assert.deepEqual(take(plan, 5000, 17), take(plan, 5000, 5000))
  assert.notDeepEqual(take(plan, 50, 50), take({ ...plan, dcIndex: 0 }, 50, 50))
  assert.notDeepEqual(take(plan, 50, 50), take({ ...plan, phase: 2 }, 50, 50))
  assert.notDeepEqual(take(plan, 50, 50), take({ ...plan, seed: SEED + 1 }, 50, 50))
})
