// How many round trips a write took, against planted service times and pings; theory by what the system waits for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf } from '../contract/analysis.ts'
import type { Waits } from '../contract/driver.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const DCS = ['us-east', 'eu-west', 'ap-south']
/** Round trips of the pairs in ms, as asked for; the pings of the measured phase take 1 ms more. */
const TRIP_MS: Readonly<Record<string, number>> = {
  'us-east eu-west': 80,
  'us-east ap-south': 180,
  'eu-west ap-south': 240,
}
const tripMs = (a: string, b: string) => TRIP_MS[`${a} ${b}`] ?? TRIP_MS[`${b} ${a}`]

/** Writes that take `serviceMs` from their send, 20 ms after they were to start. */
async function analysed(waits: Waits | undefined, serviceMs: number, dcs = DCS, asked = true) {
  using folder = scratchFolder()
  const pairs = dcs.flatMap((from) => dcs.filter((to) => to !== from).map((to) => [from, to] as const))
  const pings = pairs.flatMap(([from, to]) => [
    `0.1,${from},${to},before,${tripMs(from, to)}`,
    ...[0.5, 1, 1.5].map((off) => `5,${from},${to},during,${tripMs(from, to) + off}`),
  ])
  plant(folder.path, {
    dcs,
    writes: Array.from({ length: 60 }, (_, i) => {
      const sentMs = 1000 + 20 * i
      return { dc: i % dcs.length, key: i, intendedMs: sentMs - 20, sentMs, ackedMs: sentMs + serviceMs }
    }),
    csv: { 'rtt.csv': ['at_s,from,to,phase,rtt_ms', ...pings, ''].join('\n') },
    facts: ({ system, scenario, ...facts }) => ({
      ...facts,
      system: { ...system, ...(waits === undefined ? {} : { waits }) },
      scenario: {
        ...scenario,
        topology: {
          ...scenario.topology,
          links: pairs.map(([from, to]) => ({ from, to, delayMs: asked ? tripMs(from, to) / 2 : 0, jitterMs: 0 })),
        },
      },
    }),
  })
  const { metrics } = await analyseRun(folder.path)
  const awaited = metrics.filter(({ metric }) => metric === 'write_round_trips').map(({ dc, peer }) => `${dc} ${peer}`)
  return {
    awaited,
    of: (dc: string, peer: string) =>
      ['write_round_trips', 'write_round_trips_theory', 'write_wait_theory', 'write_wait_beyond'].map((metric) => {
        const { value } = figureOf(metrics, metric, { dc, peer })
        return value === null ? null : Number(value.toFixed(metric.startsWith('write_wait') ? 0 : 2))
      }),
  }
}

test('a write that waits for the farthest DC is held against the round trip to that one, by its measured median', async () => {
  const { awaited, of } = await analysed({ roundTrips: 1, to: 'farthest' }, 243)
  assert.deepEqual(awaited, ['us-east ap-south', 'eu-west ap-south', 'ap-south eu-west'])
  assert.deepEqual(of('us-east', 'ap-south'), [1.34, 1, 181, 62])
  assert.deepEqual(of('eu-west', 'ap-south'), [1.01, 1, 241, 2])
})

test('a write that waits for a majority is held against the nearest DC that makes one', async () => {
  const { awaited, of } = await analysed({ roundTrips: 4, to: 'majority' }, 330)
  assert.deepEqual(awaited, ['us-east eu-west', 'eu-west us-east', 'ap-south us-east'])
  assert.deepEqual(of('eu-west', 'us-east'), [4.08, 4, 324, 6])
  const two = await analysed({ roundTrips: 4, to: 'majority' }, 330, DCS.slice(0, 2))
  assert.deepEqual(two.awaited, ['us-east eu-west', 'eu-west us-east'])
})

test('where no delay was asked for, the measured ones say which DC is the farthest', async () => {
  const { awaited } = await analysed({ roundTrips: 1, to: 'farthest' }, 243, DCS.toReversed(), false)
  assert.deepEqual(awaited, ['ap-south eu-west', 'eu-west ap-south', 'us-east ap-south'])
})

test('a write that waits for no DC is held against the nearest; without a word of the driver there is no theory', async () => {
  const own = await analysed({ roundTrips: 0, to: 'own' }, 4.05)
  assert.deepEqual(own.awaited, ['us-east eu-west', 'eu-west us-east', 'ap-south us-east'])
  assert.deepEqual(own.of('us-east', 'eu-west'), [0.05, 0, 0, 4])
  const unsaid = await analysed(undefined, 4.05)
  assert.deepEqual(unsaid.of('us-east', 'eu-west'), [0.05, null, null, null])
})
