import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import { packDot } from '../lib/dot.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { Prober, type ClosedProbe } from './prober.ts'

const READ_LIMIT_MS = 10_000

interface Row {
  readonly dot: number
  readonly version: number
  /** The row's version vector, in a DC that keeps them. */
  readonly seen?: readonly number[]
}

/** A DC whose rows change at planted times. */
class PlantedDc {
  readonly #changes = new Map<number, { atUs: number; row: Row }[]>()
  failing = false
  hasVectors = false

  plant(key: number, atUs: number, row: Row): void {
    const changes = this.#changes.get(key) ?? []
    changes.push({ atUs, row })
    this.#changes.set(key, changes)
  }

  readonly session: Session = {
    write: () => Promise.reject(new Error('not written here')),
    read: async (keys) => {
      // The store looks at some moment between the send and the return.
      await new Promise((resolve) => setImmediate(resolve))
      if (this.failing) throw new Error('down')
      const now = nowUs()
      const rows = [...keys].map((key) => this.#changes.get(key)?.findLast((change) => change.atUs <= now)?.row)
      await new Promise((resolve) => setImmediate(resolve))
      return {
        dots: Float64Array.from(rows, (row) => row?.dot ?? 0),
        versions: Float64Array.from(rows, (row) => row?.version ?? 0),
        ...(this.hasVectors ? { seen: Float64Array.from(rows.flatMap((row) => row?.seen ?? [0, 0])) } : {}),
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

const dot = (sequence: number, dc = 0) => packDot(dc, 1, sequence)

async function probeAll(
  dc: PlantedDc,
  writes: readonly { key: number; row: Row }[],
): Promise<Map<number, ClosedProbe>> {
  const closed = new Map<number, ClosedProbe>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const prober = new Prober(dc.session, READ_LIMIT_MS, (probe) => {
    closed.set(probe.dot, probe)
    if (closed.size === writes.length) resolve()
  })
  const sentUs = nowUs()
  prober.watch(
    sentUs,
    Float64Array.from(writes, (write) => write.key),
    Float64Array.from(writes, (write) => write.row.dot),
    Float64Array.from(writes, (write) => write.row.version),
  )
  const timer = setTimeout(() => prober.end(), 2000)
  await promise
  clearTimeout(timer)
  return closed
}

test('the bracket of every probe contains the planted moment of visibility', async () => {
  const dc = new PlantedDc()
  const startUs = nowUs()
  const writes = Array.from({ length: 200 }, (_, i) => ({ key: i, row: { dot: dot(i + 1), version: 1000 + i } }))
  const visibleUs = writes.map((_, i) => startUs + 20_000 + i * 1000)
  writes.forEach(({ key, row }, i) => dc.plant(key, visibleUs[i], row))
  const closed = await probeAll(dc, writes)
  writes.forEach(({ row }, i) => {
    const probe = closed.get(row.dot) as ClosedProbe
    assert.equal(probe.state, PROBE_STATE.hit)
    const low = Number.isNaN(probe.missSentUs) ? probe.sentUs : probe.missSentUs
    assert.ok(low <= visibleUs[i] && visibleUs[i] <= probe.hitReturnedUs, `row ${i}`)
  })
})

test('a later write of the same DC is a hit, a newer row of another DC overshadows, an older one is a miss', async () => {
  const dc = new PlantedDc()
  const now = nowUs()
  dc.plant(1, now, { dot: dot(9), version: 900 })
  dc.plant(2, now, { dot: dot(4, 1), version: 999 })
  dc.plant(3, now, { dot: dot(5, 1), version: 10 })
  dc.plant(3, now + 60_000, { dot: dot(3), version: 103 })
  const closed = await probeAll(dc, [
    { key: 1, row: { dot: dot(1), version: 101 } },
    { key: 2, row: { dot: dot(2), version: 102 } },
    { key: 3, row: { dot: dot(3), version: 103 } },
  ])
  assert.equal(closed.get(dot(1))?.state, PROBE_STATE.hit)
  assert.equal(closed.get(dot(2))?.state, PROBE_STATE.overshadowed)
  assert.equal(closed.get(dot(3))?.state, PROBE_STATE.hit)
  assert.ok((closed.get(dot(3))?.hitReturnedUs ?? 0) >= now + 60_000)
})

test('a write that its store raised above the row of another DC is not overshadowed by it', async () => {
  const dc = new PlantedDc()
  const now = nowUs()
  for (const key of [1, 2]) dc.plant(key, now, { dot: dot(8, 1), version: 500 })
  dc.plant(1, now + 60_000, { dot: dot(1), version: 516 })
  const closed = new Map<number, ClosedProbe>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const prober = new Prober(dc.session, READ_LIMIT_MS, (probe) => {
    closed.set(probe.dot, probe)
    if (closed.size === 2) resolve()
  })
  prober.watch(now, Float64Array.of(1, 2), Float64Array.of(dot(1), dot(2)), Float64Array.of(101, 102))
  // The first read is on its way when it is told; a write that nobody watches changes nothing.
  prober.raise(Float64Array.of(dot(3), dot(1)), Float64Array.of(999, 516))
  await promise
  assert.deepEqual([closed.get(dot(1))?.state, closed.get(dot(2))?.state], [PROBE_STATE.hit, PROBE_STATE.overshadowed])
  prober.end()
})

test('where rows have vectors, a vector that holds the write is a hit whatever the row, and nothing is overshadowed', async () => {
  const dc = new PlantedDc()
  dc.hasVectors = true
  const now = nowUs()
  // The DC's own later write hides the one looked for, which arrives, and is beaten, only afterwards.
  const own = dot(9)
  dc.plant(1, now, { dot: own, version: 999, seen: [own, 0] })
  dc.plant(1, now + 60_000, { dot: own, version: 999, seen: [own, dot(2, 1)] })
  // Another write of the probed DC, but an earlier one.
  dc.plant(2, now, { dot: dot(1, 1), version: 998, seen: [own, dot(1, 1)] })
  const closed = await probeAll(dc, [
    { key: 1, row: { dot: dot(2, 1), version: 102 } },
    { key: 2, row: { dot: dot(3, 1), version: 103 } },
  ])
  const hidden = closed.get(dot(2, 1))
  assert.equal(hidden?.state, PROBE_STATE.hit)
  assert.ok(hidden.missSentUs <= now + 60_000 && hidden.hitReturnedUs >= now + 60_000)
  assert.equal(closed.get(dot(3, 1))?.state, PROBE_STATE.open)
})

test('what never becomes visible stays open, and a DC that cannot be read shows nothing', async () => {
  const dc = new PlantedDc()
  dc.plant(1, nowUs(), { dot: dot(1), version: 101 })
  dc.failing = true
  setTimeout(() => {
    dc.failing = false
  }, 100)
  const closed = await probeAll(dc, [
    { key: 1, row: { dot: dot(1), version: 101 } },
    { key: 2, row: { dot: dot(2), version: 102 } },
  ])
  assert.equal(closed.get(dot(1))?.state, PROBE_STATE.hit)
  assert.equal(closed.get(dot(2))?.state, PROBE_STATE.open)
})

test(
  'after a long lag has become short, the probes soon read before the arrival again',
  { timeout: 20_000 },
  async () => {
    const dc = new PlantedDc()
    const closed: ClosedProbe[] = []
    const prober = new Prober(dc.session, READ_LIMIT_MS, (probe) => closed.push(probe))
    const startUs = nowUs()
    const lagOf = (atUs: number) => (atUs - startUs < 1_000_000 ? 300_000 : 20_000)
    let sequence = 0
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const sentUs = nowUs()
        if (sentUs - startUs > 3_000_000) {
          clearInterval(timer)
          return resolve()
        }
        sequence++
        dc.plant(sequence, sentUs + lagOf(sentUs), { dot: dot(sequence), version: sequence })
        prober.watch(sentUs, Float64Array.of(sequence), Float64Array.of(dot(sequence)), Float64Array.of(sequence))
      }, 5)
    })
    prober.end()
    const late = closed.filter(({ sentUs, state }) => state === PROBE_STATE.hit && sentUs - startUs > 1_800_000)
    assert.ok(late.length > 100)
    const lags = late.map(({ sentUs, hitReturnedUs }) => hitReturnedUs - sentUs).toSorted((a, b) => a - b)
    assert.ok(lags[Math.floor(lags.length / 2)] < 30_000, `${lags[Math.floor(lags.length / 2)]} µs`)
    const unmissed = late.filter(({ missSentUs }) => Number.isNaN(missSentUs)).length / late.length
    assert.ok(unmissed < 0.3, `${unmissed} without a miss`)
  },
)

test('a read that never returns counts as failed, and the rows are read again', async () => {
  let reads = 0
  const session: Session = {
    write: () => Promise.reject(new Error('not written here')),
    read: (keys) =>
      ++reads === 1
        ? new Promise(() => undefined)
        : Promise.resolve({ dots: Float64Array.from(keys, () => dot(1)), versions: new Float64Array(keys.length) }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const closed = await new Promise<ClosedProbe>((resolve) => {
    const prober = new Prober(session, 30, (probe) => {
      assert.equal(prober.readErrors, 1)
      resolve(probe)
    })
    prober.watch(nowUs(), Float64Array.of(1), Float64Array.of(dot(1)), Float64Array.of(16))
  })
  assert.equal(closed.state, PROBE_STATE.hit)
  assert.equal(reads, 2)
})
