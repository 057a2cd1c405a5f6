// Lag, visible throughput and probe counts against planted probes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf } from '../contract/analysis.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { plant, scratchFolder, type PlantedProbe, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const WRITES = Array.from({ length: 100 }, (_, i) => ({ dc: 0, key: i, sentMs: 1000 + i * 10, ackedMs: 1002 + i * 10 }))

async function analysed(run: PlantedRun) {
  using folder = scratchFolder()
  plant(folder.path, run)
  const analysis = await analyseRun(folder.path)
  const lines = readFileSync(join(folder.path, 'lag.csv'), 'utf8').trim().split('\n')
  return { analysis, lines, figure: (metric: string, at = {}) => figureOf(analysis.metrics, metric, at) }
}

/** Within what three digits of a histogram keep. */
function near(value: number | null, expected: number): void {
  assert.ok(
    value !== null && Math.abs(value - expected) <= Math.abs(expected) * 0.001 + 0.0011,
    `${value} is not ${expected}`,
  )
}

const usual = (write: number): PlantedProbe => ({
  peer: 1,
  write,
  missMs: WRITES[write].ackedMs + 40,
  closedMs: WRITES[write].ackedMs + 43,
})

test('the lag is from the acknowledgement to the hit, with the last miss as its lower end', async () => {
  const { figure, lines } = await analysed({ writes: WRITES, probes: WRITES.map((_, i) => usual(i)) })
  near(figure('lag_p50').value, 43)
  near(figure('lag_p50').low, 40)
  near(figure('lag_max').high, 43)
  near(figure('lag_error_p99').value, 3)
  near(figure('lag_p99', { dc: 'us-east', peer: 'eu-west' }).value, 43)
  assert.equal(figure('lag_p99', { dc: 'eu-west', peer: 'us-east' }).value, null)
  assert.equal(figure('lag_p50').n, 100)
  assert.equal(lines.length, 101)
  assert.match(lines[1], /^us-east,eu-west,0,\d+,measure,1\.000000,1\.002000,1\.042000,1\.045000,hit,40\.000,43\.000$/)
})

test('one planted delayed write shows in the tail and nowhere else', async () => {
  const probes = WRITES.map((_, i) => (i === 50 ? { ...usual(i), missMs: 1900, closedMs: 2002 } : usual(i)))
  const { figure } = await analysed({ writes: WRITES, probes })
  near(figure('lag_p50').value, 43)
  near(figure('lag_p99').value, 43)
  near(figure('lag_max').value, 500)
})

test('a synchronous store has a negative lag', async () => {
  const probes = WRITES.map((_, i) => ({
    ...usual(i),
    missMs: WRITES[i].ackedMs - 1.5,
    closedMs: WRITES[i].ackedMs - 0.5,
  }))
  const { figure } = await analysed({ writes: WRITES, probes })
  near(figure('lag_p50').value, -0.5)
  near(figure('lag_max').low, -1.5)
})

test('without a miss the bracket begins at the send', async () => {
  const probes = WRITES.map((_, i) => ({ peer: 1, write: i, closedMs: WRITES[i].ackedMs + 1 }))
  const { figure } = await analysed({ writes: WRITES, probes })
  near(figure('lag_p50').low, -2)
  near(figure('lag_p50').value, 1)
})

test('overshadowed, open and dropped probes are counted and are no lags', async () => {
  const states = [PROBE_STATE.overshadowed, PROBE_STATE.open, PROBE_STATE.dropped]
  const probes = WRITES.map((_, i) => (i < 3 ? { ...usual(i), state: states[i] } : usual(i)))
  const { figure } = await analysed({ writes: WRITES, probes })
  assert.equal(figure('lag_p50').n, 97)
  assert.deepEqual(
    ['overshadowed', 'probes_open', 'probes_dropped'].map((name) => figure(name).value),
    [1, 1, 1],
  )
})

test('visible throughput counts what had been seen everywhere when the phase ended', async () => {
  // Of 100 probed writes 90 were seen in time; five more may have been there; five never came.
  const probes = WRITES.map((_, i) => {
    if (i < 90) return usual(i)
    if (i < 95) return { ...usual(i), missMs: 2990, closedMs: 3010 }
    return { peer: 1, write: i, missMs: 5000, state: PROBE_STATE.open }
  })
  const { figure } = await analysed({ writes: WRITES, probes, measureMs: [1000, 3000] })
  assert.equal(figure('acknowledged').value, 50)
  const { value, low, high } = figure('visible', { dc: 'us-east' })
  assert.deepEqual([value, low, high], [45, 45, 47.5])
})

test('where only a sample was probed, the visible throughput has a sampling interval', async () => {
  const { figure } = await analysed({
    writes: WRITES,
    probes: WRITES.slice(0, 20).map((_, i) => usual(i)),
    measureMs: [1000, 3000],
  })
  const { value, low, high } = figure('visible', { dc: 'us-east' })
  assert.equal(value, 50)
  assert.equal(high, 50)
  // Wilson's lower end for 20 of 20 is 20 ÷ (20 + 1.96²).
  near(low, (50 * 20) / (20 + 1.959964 ** 2))
})

test('a store that cannot be read has no lag and no visible throughput, rather than zero', async () => {
  const { figure } = await analysed({ writes: WRITES })
  assert.equal(figure('lag_p50').value, null)
  assert.equal(figure('visible').value, null)
})
