// Three or more DCs: the square of lags beside the delays of the links, in the table and in JSON.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BenchAnalysis, Metric, RunAnalysis, SystemAnalysis } from '../contract/analysis.ts'
import { colorsFor } from './colors.ts'
import { jsonSummary } from './json.ts'
import { beyondDelay, linkTableLines } from './link-table.ts'
import { meaningOf } from './meaning.ts'

const PLAIN = colorsFor({ isTTY: false }, {})

/** DCs named dc0, dc1 …; the link from i to j has a delay of 10·(i + 1) + j ms, and its lag is 2 + i ms above. */
function mesh(count: number, labels: readonly string[], change: Partial<SystemAnalysis> = {}): BenchAnalysis {
  const dcs = Array.from({ length: count }, (_, i) => `dc${i}`)
  const pairs = dcs.flatMap((from, i) => dcs.flatMap((to, j) => (i === j ? [] : [{ from, to, i, j }])))
  const links = pairs.map(({ from, to, i, j }) => ({ from, to, delayMs: 10 * (i + 1) + j }))
  const lag = (value: number, dc = '', peer = ''): Metric => ({
    metric: 'lag_p50',
    unit: 'ms',
    value,
    low: value - 1,
    high: value,
    n: 10,
    dc,
    peer,
    phase: 'measure',
  })
  const metrics = [lag(30), ...pairs.map(({ from, to, i, j }) => lag(10 * (i + 1) + j + 2 + i, from, to))]
  const systems = labels.map(
    (label) => ({ label, runs: [label], rowsPerSecond: 100, metrics, ...change }) as SystemAnalysis,
  )
  const runs = labels.map((run) => ({ run, dcs, links, metrics, notes: [], audit: [] }) as unknown as RunAnalysis)
  return {
    folder: 'f',
    workload: 'profiles',
    runs,
    systems,
    verdict: { status: 'valid', reasons: [], warnings: [], broken: [] },
  }
}

test('every pair stands at its row and column with the delay of its link', () => {
  const lines = linkTableLines(mesh(3, ['lsm log']), PLAIN)
  const cells = lines.slice(-3).map((line) => line.trim().split(/\s{2,}/))
  assert.deepEqual(cells, [
    ['dc0', '·', '13.0 of 11', '14.0 of 12'],
    ['dc1', '23.0 of 20', '·', '25.0 of 22'],
    ['dc2', '34.0 of 30', '35.0 of 31', '·'],
  ])
  assert.deepEqual(lines[2].trim().split(/\s+/), ['dc0', 'dc1', 'dc2'])
})

test('several systems stand under one another; two DCs, many DCs and a closed loop have no square', () => {
  const two = linkTableLines(mesh(4, ['postgres cdc', 'lsm log']), PLAIN)
  assert.equal(two.filter((line) => line.includes(' of 10 ') || line.includes(' of 11 ')).length, 2)
  assert.ok(two.includes('postgres cdc') && two.includes('lsm log'), two.join('\n'))
  assert.ok(two.every((line) => line.length <= 118))
  assert.ok(linkTableLines(mesh(7, ['lsm log']), PLAIN).every((line) => line.length <= 118))
  assert.deepEqual(linkTableLines(mesh(2, ['lsm log']), PLAIN), [])
  assert.deepEqual(linkTableLines(mesh(8, ['lsm log']), PLAIN), [])
  assert.deepEqual(linkTableLines(mesh(3, ['lsm log'], { rowsPerSecond: null }), PLAIN), [])
})

test('unequal links are told by what the replication adds to each, and the WAN is held against N − 1', () => {
  const bench = mesh(3, ['lsm log'])
  const beyond = beyondDelay(bench.runs[0], bench.systems[0])
  assert.deepEqual([beyond?.[0].ms, beyond?.at(-1)?.ms], [2, 4])
  assert.ok(
    meaningOf(bench).some((sentence) =>
      /takes 2\.00 ms \(dc0 to dc\d\) to 4\.00 ms \(dc2 to dc\d\) to be visible/.test(sentence),
    ),
  )
})

test('the JSON summary has the lag of every pair', () => {
  const { systems } = JSON.parse(jsonSummary(mesh(3, ['lsm log']), 'f'))
  assert.equal(systems[0].pairs.length, 6)
  assert.deepEqual(systems[0].pairs[0], {
    from: 'dc0',
    to: 'dc1',
    delayMs: 11,
    lagMsP50: 13,
    lagMsP99: null,
    wanBytes: null,
  })
})
