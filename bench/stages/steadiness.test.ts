// When a warm-up may end, on planted costs: decays, noise, steps, slow trends, and costs too small to wait for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CostWindow } from '../contract/warm-up.ts'
import { randomStream } from '../lib/random.ts'
import { steadinessOf } from './steadiness.ts'

const SEED = 20_261_125
const MOST = 75
const RUNS = 80

interface Planted {
  /** null: nobody counts it. */
  readonly cpuUs?: number | null
  readonly serviceMs?: readonly (number | null)[]
  readonly rowsPerSecond?: number
}

const windowOf = ({ cpuUs = 400, serviceMs = [10, 10], rowsPerSecond = 2000 }: Planted): CostWindow => ({
  seconds: 2,
  rowsPerSecond,
  cpuUsPerRow: rowsPerSecond > 0 ? cpuUs : null,
  serviceP50Ms: serviceMs,
})

const windowsOf = (count: number, of: (window: number) => Planted): CostWindow[] =>
  Array.from({ length: count }, (_, i) => windowOf(of(i)))

/** After how many windows the warm-up ends; undefined: not within its time. */
function endsAfter(of: (window: number) => Planted): number | undefined {
  const windows: CostWindow[] = []
  for (let i = 0; i < MOST; i++) {
    windows.push(windowOf(of(i)))
    if (steadinessOf(windows).steady) return windows.length
  }
  return undefined
}

/** Log-normal noise around 1. */
function noise(sigma: number, seed: number): () => number {
  const random = randomStream(SEED, seed)
  const unit = () => (random.uint32() + 0.5) / 2 ** 32
  return () => Math.exp(sigma * Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit()))
}

test('a flat cost is steady when twelve windows have shown it, and not before', () => {
  assert.equal(
    endsAfter(() => ({})),
    12,
  )
  assert.deepEqual(steadinessOf(windowsOf(11, () => ({}))), { steady: false, fall: null })
})

test('a decay is waited for until what is left of it is small, in CPU and in service time', () => {
  const excess = (i: number, windows: number) => 1 + 5 * Math.exp(-i / windows)
  const decays: Readonly<Record<string, (i: number, windows: number) => Planted>> = {
    cpu: (i, windows) => ({ cpuUs: 400 * excess(i, windows) }),
    service: (i, windows) => ({ serviceMs: [10, 20 * excess(i, windows)] }),
  }
  for (const [name, decay] of Object.entries(decays)) {
    const ends = endsAfter((i) => decay(i, 5)) ?? Number.NaN
    assert.ok(ends > 25 && 5 * Math.exp(-ends / 5) < 0.03, `${name}: ${ends} windows`)
    // So slow that it is not over in time: nothing may call it steady.
    assert.equal(
      endsAfter((i) => decay(i, 40)),
      undefined,
      name,
    )
  }
})

test('noise alone delays the end of a warm-up little, and rarely hides a decay', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const ends: number[] = []
  const left: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const [flat, decaying] = [noise(0.05, 2 * run), noise(0.05, 2 * run + 1)]
    ends.push(endsAfter(() => ({ cpuUs: 400 * flat() })) ?? MOST)
    const end = endsAfter((i) => ({ cpuUs: 400 * (1 + 2 * Math.exp(-i / 8)) * decaying() })) ?? MOST
    left.push(2 * Math.exp(-end / 8))
  }
  const at = (values: readonly number[], share: number) => values.toSorted((a, b) => a - b)[Math.floor(share * RUNS)]
  assert.ok(at(ends, 0.5) <= 14 && at(ends, 0.95) <= 25, `${at(ends, 0.5)} and ${at(ends, 0.95)} windows`)
  assert.ok(at(left, 0.5) < 0.05 && at(left, 0.95) < 0.15, `${at(left, 0.5)} and ${at(left, 0.95)} left`)
})

test('service times that scatter without a trend hold no warm-up up', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const ends = Array.from({ length: RUNS }, (_, run) => {
    const [one, other] = [noise(0.8, 1000 + 2 * run), noise(0.8, 1001 + 2 * run)]
    return endsAfter(() => ({ serviceMs: [20 * one(), 20 * other()] })) ?? MOST
  })
  const sorted = ends.toSorted((a, b) => a - b)
  assert.ok(sorted[Math.floor(0.9 * RUNS)] <= 16, `${sorted[Math.floor(0.9 * RUNS)]} windows`)
})

test('a step down is waited out until it has passed the middle of the windows', () => {
  const ends = endsAfter((i) => ({ cpuUs: i < 8 ? 800 : 400 })) ?? Number.NaN
  assert.ok(ends >= 14 && ends <= 20, `${ends} windows`)
})

test('a slow fall is steady where it is within the bound over the windows judged, and a rise always is', () => {
  assert.equal(
    endsAfter((i) => ({ cpuUs: 1000 - 8 * i })),
    undefined,
  )
  assert.equal(
    endsAfter((i) => ({ cpuUs: 1000 - 4 * i })),
    12,
  )
  assert.equal(
    endsAfter((i) => ({ cpuUs: 400 + 40 * i, serviceMs: [10 + i, 10] })),
    12,
  )
})

test('what is too small to wait for is not waited for', () => {
  // 0.4 ms of service time in all; a hundredth of a core.
  assert.equal(
    endsAfter((i) => ({ serviceMs: [1 - Math.min(0.4, 0.03 * i), 10] })),
    12,
  )
  assert.equal(
    endsAfter((i) => ({ cpuUs: 400 - 20 * Math.min(i, 15), rowsPerSecond: 50 })),
    12,
  )
  assert.ok((endsAfter((i) => ({ cpuUs: 400 - 20 * Math.min(i, 15), rowsPerSecond: 5000 })) ?? 0) > 20)
})

test('a generator that never has a row says nothing, nor CPU that nobody counts, and a system that acknowledges nothing is not steady', () => {
  assert.equal(
    endsAfter(() => ({ serviceMs: [10, null] })),
    12,
  )
  assert.equal(
    endsAfter(() => ({ cpuUs: null })),
    12,
  )
  assert.equal(
    endsAfter(() => ({ serviceMs: [null, null], rowsPerSecond: 0 })),
    undefined,
  )
})
