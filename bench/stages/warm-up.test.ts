// The warm-up until steady on a load and a store that are planted: when it ends the phase, and what it leaves of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nowUs } from '../lib/clock.ts'
import type { House } from './house.ts'
import type { PhaseOrder } from './thread-plan.ts'
import type { Threads } from './threads.ts'
import { WarmUp } from './warm-up.ts'

const WINDOW_MS = 20
const ROWS_PER_WINDOW = 100

/** A load of 100 rows between two looks, each of which cost the store what `cpuUs` says of that window; or one that fails. */
function planted(cpuUs: (window: number) => number, failure?: Error) {
  let looks = 0
  let cpuSeconds = 0
  let ended: ((endUs: number) => void) | undefined
  const endUs = new Promise<number>((resolve) => (ended = resolve))
  const threads = {
    phase: async () => {
      if (failure !== undefined) throw failure
      await endUs
      return { facts: [], progress: {}, lastOutcomeUs: 0, touched: new Float64Array(0) }
    },
    endPhase: (atUs: number) => ended?.(atUs),
    counts: async () => [{ rows: ROWS_PER_WINDOW * looks, atUs: nowUs(), serviceP50Ms: 5 }],
  }
  const house = {
    usage: async () => {
      cpuSeconds += (ROWS_PER_WINDOW * cpuUs(looks++)) / 1e6
      return [
        { role: 'store', cpuSeconds },
        { role: 'link', cpuSeconds: 99 * looks },
      ]
    },
  }
  return { threads: threads as unknown as Threads, house: house as unknown as House, endUs, looks: () => looks }
}

const order = (lengthMs: number): PhaseOrder => {
  const startUs = nowUs()
  return { name: 'warmup', startUs, endUs: startUs + lengthMs * 1000, rowsPerSecond: 1000, probeShare: 0 }
}

test('a phase ends soon after its system has become steady, which is noted with all its windows', async () => {
  const { threads, house, endUs } = planted((window) => (window < 15 ? 4000 - 200 * window : 1000))
  const told: string[] = []
  const warmUp = new WarmUp(threads, house, (text) => told.push(text), AbortSignal.timeout(10_000), WINDOW_MS)
  const ordered = order(10_000)
  const ran = await warmUp.phase(ordered)
  assert.equal(ran.endUs, await endUs)
  assert.ok(ran.endUs < ordered.endUs)
  const [{ phase, steady, fall, windows }] = warmUp.stretches
  assert.deepEqual([phase, steady, warmUp.stretches.length], ['warmup', true, 1])
  assert.ok(windows.length > 17 && windows.length < 40, `${windows.length} windows`)
  assert.ok(fall !== null && fall <= 0.05)
  assert.ok(Math.abs((windows[0].cpuUsPerRow ?? 0) - 3800) < 1, `${windows[0].cpuUsPerRow} µs`)
  assert.deepEqual(windows[0].serviceP50Ms, [5])
  assert.match(told[0], /^a row costs 3800 µs of CPU, service p50 5\.0 ms$/)
  assert.match(told.at(-1) ?? '', /, steady$/)
})

test('a phase whose system never gets steady ends with its time, which says so; a next stretch has what is left', async () => {
  const { threads, house } = planted((window) => 4000 * 0.9 ** window)
  const warmUp = new WarmUp(threads, house, () => undefined, AbortSignal.timeout(10_000), WINDOW_MS)
  const before = warmUp.leftMs
  const ordered = order(500)
  const { endUs } = await warmUp.phase(ordered)
  assert.ok(endUs <= ordered.endUs)
  const [{ steady, fall, windows }] = warmUp.stretches
  assert.equal(steady, false)
  assert.ok(fall !== null && fall > 0.05, `${fall}`)
  const warmedMs = windows.reduce((sum, { seconds }) => sum + seconds * 1000, 0)
  assert.ok(warmedMs > 200 && Math.abs(before - warmUp.leftMs - warmedMs) < 1e-6)
})

test('a load that fails ends the watching with its error', async () => {
  const { threads, house, looks } = planted(() => 1000, new Error('no more'))
  const warmUp = new WarmUp(threads, house, () => undefined, AbortSignal.timeout(10_000), WINDOW_MS)
  await assert.rejects(warmUp.phase(order(5000)), /no more/)
  const before = looks()
  await new Promise((resolve) => setTimeout(resolve, 5 * WINDOW_MS))
  assert.ok(looks() <= before + 1, `${looks() - before} looks after it`)
  assert.equal(warmUp.stretches.length, 0)
})
