// How gauges are taken and judged, with measurements that are known.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { EXIT } from '../contract/errors.ts'
import { colorsFor } from '../report/colors.ts'
import type { Gauge } from './comparison.ts'
import { readingOf, takeGauge } from './gauge.ts'
import { exitOf, readingLine, resultsJson } from './report.ts'

const ignore = () => undefined
const WHERE = {
  registry: { drivers: [], workloads: [] },
  place: { data: undefined, ports: { first: 15000, last: 32000 }, seed: 1 },
  progress: { step: ignore, live: ignore, note: ignore, end: ignore, fail: ignore },
  signal: new AbortController().signal,
}
const TURNS = { pairs: 3, warmupPairs: 4, durationMs: 1000 }

const gaugeOf = (is: 'least' | 'most', values: readonly number[] = [], own: Partial<Gauge> = {}): Gauge => {
  let at = 0
  return {
    name: 'counted',
    what: 'counting',
    unit: 'ms',
    target: { bound: 10, is },
    missing: async () => undefined,
    open: async () => async () => values[at++],
    ...own,
  }
}

test('the first measurement does not count, the median of the others does, and the folder is gone afterwards', async () => {
  let folder = ''
  const { measured, holds } = await takeGauge(
    gaugeOf('most', [], {
      async open(order, cleanup) {
        folder = order.folder
        assert.ok(existsSync(folder))
        cleanup.defer(async () => assert.ok(existsSync(folder)))
        const values = [1000, 9, 30, 8]
        return async () => values.shift() ?? Number.NaN
      },
    }),
    TURNS,
    WHERE,
  )
  assert.deepEqual(measured?.values, [9, 30, 8])
  assert.deepEqual([measured?.figure, measured?.low, measured?.high, holds], [9, 8, 30, true])
  assert.equal(existsSync(folder), false)
})

test('a bound is kept from its own side, and the ratio of the document is above 1 on the good one', () => {
  const rowOf = (gauge: Gauge, values: readonly number[]) => {
    const reading = readingOf(gauge, values)
    const { rows } = JSON.parse(resultsJson([], [reading], TURNS, 1)) as { rows: Record<string, unknown>[] }
    return {
      row: rows[0],
      holds: reading.holds,
      line: readingLine(reading, colorsFor({ isTTY: false })),
      ...rows[0],
    }
  }
  const least = rowOf(gaugeOf('least'), [20, 5, 25])
  assert.deepEqual(
    [least.row.ratio, least.row.low, least.row.high, least.row.target, least.holds],
    [2, 0.5, 2.5, 1, true],
  )
  const most = rowOf(gaugeOf('most'), [20, 5, 25])
  assert.deepEqual([most.row.ratio, most.row.low, most.row.high, most.row.target, most.holds], [0.5, 0.4, 2, 1, false])
  assert.match(most.line, /^HIGH counted +20\.0 \(5\.00 … 25\.0; 3 times, 75 %\) ≤ 10\.0: ms counting$/)
  const reported = rowOf(gaugeOf('most', [], { target: null }), [20])
  assert.deepEqual([reported.row.ratio, reported.row.target, reported.holds], [null, null, null])
})

test('a gauge that cannot be taken says why and leaves the exit code undecided', async () => {
  const reading = await takeGauge(gaugeOf('least', [], { missing: async () => 'Not here.' }), TURNS, WHERE)
  assert.match(readingLine(reading, colorsFor({ isTTY: false })), /^n\/a {2}counted +Not here\.$/)
  assert.equal(exitOf([reading, readingOf(gaugeOf('least'), [20])]), EXIT.invalid)
  assert.equal(exitOf([reading, readingOf(gaugeOf('least'), [5])]), EXIT.failed)
})
