// The alarm against real time, and against setTimeout in the same run, since the machine may be busy.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Alarm } from './alarm.ts'
import { nowUs } from './clock.ts'
import { randomStream } from './random.ts'

const SEED = 7

/** Keeps the process alive for a test of something that does not. */
async function awake<T>(body: () => Promise<T>): Promise<T> {
  const keeper = setInterval(() => undefined, 1000)
  try {
    return await body()
  } finally {
    clearInterval(keeper)
  }
}

/** Lateness in µs of `count` rings, each 0.3 … 2.3 ms after the one before, as `set` keeps them. */
function latenesses(count: number, arm: (onRing: () => void) => (atUs: number) => void): Promise<number[]> {
  const random = randomStream(SEED)
  const late: number[] = []
  return new Promise((resolve) => {
    let dueUs = 0
    const next = () => {
      dueUs = nowUs() + 300 + 2000 * random.unit()
      set(dueUs)
    }
    const set = arm(() => {
      late.push(nowUs() - dueUs)
      if (late.length === count) resolve(late.sort((a, b) => a - b))
      else next()
    })
    next()
  })
}

const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1]

test('an alarm rings when it is due, several times nearer than setTimeout does', async (t) => {
  await awake(async () => {
    let onRing = () => {}
    using alarm = new Alarm(() => onRing())
    await alarm.started
    const byAlarm = await latenesses(500, (ring) => {
      onRing = ring
      return (atUs) => alarm.set(atUs)
    })
    const byTimeout = await latenesses(300, (ring) => (atUs) => setTimeout(ring, (atUs - nowUs()) / 1000))
    const alarmUs = median(byAlarm)
    const timeoutUs = median(byTimeout.map(Math.abs).sort((a, b) => a - b))
    const p99Us = byAlarm[Math.floor(byAlarm.length * 0.99)]
    t.diagnostic(`seed ${SEED}; alarm late p50 ${alarmUs.toFixed(0)} µs, p99 ${p99Us.toFixed(0)} µs`)
    t.diagnostic(`setTimeout off by p50 ${timeoutUs.toFixed(0)} µs`)
    assert.ok(byAlarm[0] > -50, `rang ${-byAlarm[0]} µs early`)
    assert.ok(alarmUs < 500, `median ${alarmUs} µs`)
    assert.ok(alarmUs < timeoutUs / 2, `alarm ${alarmUs} µs, setTimeout ${timeoutUs} µs`)
  })
})

test('set replaces what was set before, sooner or later, and clear forgets it', async () => {
  await awake(async () => {
    const rings: number[] = []
    const rung = Promise.withResolvers<void>()
    using alarm = new Alarm(() => {
      rings.push(nowUs())
      rung.resolve()
    })
    await alarm.started
    const startUs = nowUs()
    alarm.set(startUs + 5_000)
    alarm.clear()
    alarm.set(startUs + 60_000_000)
    alarm.set(startUs + 10_000)
    alarm.set(startUs + 30_000)
    await rung.promise
    assert.ok(rings[0] >= startUs + 30_000 - 50, `rang after ${rings[0] - startUs} µs`)
    assert.ok(rings[0] < startUs + 1_000_000, 'the far time was kept')
    const again = Promise.withResolvers<void>()
    setTimeout(() => again.resolve(), 60)
    await again.promise
    assert.equal(rings.length, 1)
  })
})

test('a time in the past rings at once, and an alarm may be set from its own ring', async () => {
  await awake(async () => {
    const done = Promise.withResolvers<void>()
    let rings = 0
    using alarm = new Alarm(() => {
      if (++rings === 100) done.resolve()
      else alarm.set(nowUs() - 1)
    })
    alarm.set(0)
    const startUs = nowUs()
    await done.promise
    assert.ok(nowUs() - startUs < 1_000_000)
  })
})

test('a thousand rings a second take little of a core', async (t) => {
  await awake(async () => {
    let onRing = () => {}
    using alarm = new Alarm(() => onRing())
    await alarm.started
    const before = process.cpuUsage()
    const startUs = nowUs()
    await new Promise<void>((resolve) => {
      let rings = 0
      onRing = () => (++rings === 500 ? resolve() : alarm.set(nowUs() + 1000))
      alarm.set(nowUs() + 1000)
    })
    const { user, system } = process.cpuUsage(before)
    const share = (user + system) / (nowUs() - startUs)
    t.diagnostic(`${(share * 100).toFixed(1)} % of a core`)
    assert.ok(share < 0.25, `took ${share} of a core`)
  })
})

test('an alarm that is set does not keep the process alive', () => {
  const script = `
    const { Alarm } = await import(${JSON.stringify(new URL('./alarm.ts', import.meta.url))})
    new Alarm(() => undefined).set(performance.now() * 1000 + 1e12)`
  const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 })
  assert.deepEqual({ status, signal }, { status: 0, signal: null })
})
