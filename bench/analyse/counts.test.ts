// Figures that are only counted or passed on, against what was planted: offers, slip, probes, round trips, the store's own words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import type { WorkerPhase } from '../contract/run-folder.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

async function analysed(run: PlantedRun): Promise<RunAnalysis> {
  using folder = scratchFolder()
  plant(folder.path, run)
  return await analyseRun(folder.path)
}

const valueOf = ({ metrics }: RunAnalysis, metric: string, at = {}) => figureOf(metrics, metric, at).value

test('offers and rows given up are summed over the workers, and slip is that of the worst of them', async () => {
  const worker = (dc: string, change: Partial<WorkerPhase>): WorkerPhase => ({
    dc,
    worker: 0,
    phase: 'measure',
    offered: 0,
    dropped: 0,
    slipP50Ms: null,
    slipP99Ms: null,
    slipMaxMs: null,
    eventLoopP99Ms: 1,
    eventLoopMaxMs: 1,
    utilisation: 0.1,
    errors: {},
    ...change,
  })
  const analysis = await analysed({
    writes: [{ dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 }],
    measureMs: [0, 2000],
    facts: (facts) => ({
      ...facts,
      workers: [
        worker('us-east', { offered: 60, dropped: 2, slipP50Ms: 0.5, slipP99Ms: 3, slipMaxMs: 9 }),
        worker('us-east', { offered: 40, dropped: 1, slipP50Ms: 0.7, slipP99Ms: 2, slipMaxMs: 4 }),
        worker('eu-west', { offered: 50 }),
        worker('eu-west', { offered: 999, dropped: 99, slipP99Ms: 99, phase: 'warmup' }),
      ],
    }),
  })
  assert.deepEqual(
    ['offered', 'dropped', 'slip_p50', 'slip_p99', 'slip_max'].map((metric) => valueOf(analysis, metric)),
    [75, 3, 0.7, 3, 9],
  )
  const eu = { dc: 'eu-west' }
  assert.deepEqual([valueOf(analysis, 'offered', eu), valueOf(analysis, 'slip_p99', eu)], [25, null])
})

test('probes are counted by how they ended', async () => {
  const writes = Array.from({ length: 10 }, (_, i) => ({ dc: 0, key: i, sentMs: 1000 + i, ackedMs: 1002 + i }))
  const states = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4]
  const probes = states.map((state, write) => ({ peer: 1, write, missMs: 1030, closedMs: 1050, state }))
  assert.deepEqual([...new Set(states)], Object.values(PROBE_STATE))
  const analysis = await analysed({ writes, probes })
  const names = ['probes_clean', 'overshadowed', 'probes_open', 'probes_dropped']
  assert.deepEqual(
    names.map((name) => valueOf(analysis, name)),
    [4, 3, 2, 1],
  )
  assert.deepEqual(
    names.map((name) => valueOf(analysis, name, { dc: 'eu-west', peer: 'us-east' })),
    [0, 0, 0, 0],
  )
})

test('round trips are quantiles of the pings of their link and phase', async () => {
  const pings = Array.from({ length: 100 }, (_, i) => `1,us-east,eu-west,during,${i + 1}`)
  const analysis = await analysed({
    writes: [],
    csv: { 'rtt.csv': ['at_s,from,to,phase,rtt_ms', ...pings, '9,us-east,eu-west,after,7', ''].join('\n') },
  })
  const at = { dc: 'us-east', peer: 'eu-west', phase: 'during' }
  assert.deepEqual(
    ['rtt_p50', 'rtt_p90', 'rtt_max'].map((metric) => valueOf(analysis, metric, at)),
    [50.5, 90.1, 100],
  )
  assert.equal(valueOf(analysis, 'rtt_p50', { ...at, phase: 'after' }), 7)
})

test('the store’s own counter and the rows that differ are passed on as they were read', async () => {
  const row = { key: 1, dcs: [] }
  const facts: NonNullable<PlantedRun['facts']> = (before) => ({
    ...before,
    counters: { conflictsReported: { count: 77, meaning: 'Seventy-seven.' }, own: {} },
    divergent: { total: 5, rows: [{ ...row, dcs: [{ dc: 'us-east', dot: 1, version: 16, whole: true }] }] },
  })
  const analysis = await analysed({ writes: [], facts })
  assert.equal(valueOf(analysis, 'conflicts_reported', { phase: 'run' }), 77)
  assert.equal(valueOf(analysis, 'divergent_rows', { phase: 'run' }), 5)
  assert.equal(analysis.reportedMeaning, 'Seventy-seven.')
  assert.equal(valueOf(await analysed({ writes: [] }), 'conflicts_reported', { phase: 'run' }), null)
})

test('pairs and keys are predicted by the formula from the writes made and the lag that every probe shows', async () => {
  // Every write is visible 50 ms after the middle of [sent, acknowledged]; us-east writes key 1 three times, eu-west twice.
  const at = [1000, 2000, 3000, 4000, 5000]
  const writes = at.map((sentMs, i) => ({ dc: i % 2, key: 1, sentMs, ackedMs: sentMs + 2 }))
  const probes = writes.map(({ dc, sentMs }, write) => ({
    peer: 1 - dc,
    write,
    missMs: sentMs + 50,
    closedMs: sentMs + 52,
  }))
  const analysis = await analysed({ writes, probes, measureMs: [0, 10_000] })
  const [lag, length] = [0.05, 10]
  const together = (2 * lag - (2 * lag ** 2) / (2 * length)) / length
  const near = (metric: string, expected: number) =>
    assert.ok(
      Math.abs((valueOf(analysis, metric) ?? 0) / expected - 1) < 1e-4,
      `${metric}: ${valueOf(analysis, metric)}`,
    )
  near('conflict_pairs_predicted', (6 * together) / length)
  near('conflict_keys_predicted', (1 - Math.exp(-6 * together)) / length)
  near('conflict_share_predicted', 1 - (3 * Math.exp(-2 * together) + 2 * Math.exp(-3 * together)) / 5)
})

test('of a fault, the rows acknowledged within it are counted, and the largest backlog that the store told of until caught up', async () => {
  const writes = Array.from({ length: 90 }, (_, i) => ({
    dc: 0,
    key: i,
    sentMs: 1000 + i * 100,
    ackedMs: 1002 + i * 100,
  }))
  const probes = writes.map(({ sentMs }, write) => ({ peer: 1, write, missMs: sentMs + 50, closedMs: sentMs + 52 }))
  const links = [
    [3, 10],
    [5.2, 500],
    [5.6, 700],
    [9, 900],
  ].map(([seconds, backlog]) => `${seconds},us-east,eu-west,0,0,${backlog},rows`)
  const analysis = await analysed({
    writes,
    probes,
    csv: { 'links.csv': ['at_s,from,to,payload_bytes,held_bytes,backlog,backlog_unit', ...links].join('\n') },
    facts: (facts) => ({
      ...facts,
      faults: [
        {
          name: 'slow us-east>eu-west',
          kind: 'slow',
          dcs: ['us-east', 'eu-west'],
          links: [{ from: 'us-east', to: 'eu-west' }],
          services: [],
          startUs: 5_000_000,
          mendUs: 6_000_000,
          endUs: 6_000_000,
        },
      ],
    }),
  })
  const phase = 'slow us-east>eu-west'
  assert.equal(valueOf(analysis, 'fault_acknowledged', { phase }), 10)
  assert.equal(valueOf(analysis, 'fault_backlog_reported', { dc: 'us-east', peer: 'eu-west', phase }), 700)
})
