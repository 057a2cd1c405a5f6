// One whole run folder in, all derived files out: the same bytes every time, whatever the partitions.
import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HistogramLogReader } from 'hdr-histogram-js'
import { figureOf } from '../contract/analysis.ts'
import { BenchError } from '../contract/errors.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { finalFile, RUN_FILES, writesFile } from '../contract/run-folder.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'
import { makeWorld, USUAL_WORLD as PLAN } from './world.fixture.ts'

const DERIVED = [
  RUN_FILES.intervals,
  RUN_FILES.lag,
  RUN_FILES.conflicts,
  RUN_FILES.divergence,
  RUN_FILES.histograms,
  RUN_FILES.run,
]

async function derived(partitions: number, again = false): Promise<string[]> {
  using folder = scratchFolder()
  const { writes, probes } = makeWorld(PLAN)
  plant(folder.path, { writes, probes, workers: 3 })
  await analyseRun(folder.path, { partitions })
  if (again) await analyseRun(folder.path, { partitions })
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => name.endsWith('.part')),
    [],
  )
  // The folder's own name stands in run.json.
  return DERIVED.map((name) => readFileSync(join(folder.path, name), 'utf8').replace(/"run": "[^"]*"/, ''))
}

test('analysing a run again gives the same bytes', async () => {
  assert.deepEqual(await derived(1, true), await derived(1))
})

test('one partition and seven give the same bytes', async () => {
  assert.deepEqual(await derived(7), await derived(1))
})

test('where nothing is planted, nothing is found', async () => {
  using folder = scratchFolder()
  const { writes } = makeWorld({ ...PLAN, writes: 300, keys: 300 })
  // Every key belongs to one DC, so that nothing can cross.
  const apart = writes.map((write) => ({ ...write, key: write.key * 2 + write.dc }))
  const probes = apart.map(({ dc, ackedMs }, write) => ({
    peer: 1 - dc,
    write,
    missMs: ackedMs + 40,
    closedMs: ackedMs + 42,
  }))
  plant(folder.path, { writes: apart, probes })
  const { metrics, verdict } = await analyseRun(folder.path)
  for (const metric of ['conflict_share', 'conflict_pairs', 'conflict_keys', 'discarded', 'conflict_share_predicted']) {
    const { value, high } = figureOf(metrics, metric)
    assert.equal(value, 0, metric)
    assert.equal(high, 0, metric)
  }
  for (const metric of [
    'failed',
    'unknown',
    'dropped',
    'coalesced',
    'lost_updates',
    'lost_writes',
    'divergent_rows',
    'mixed_rows',
    'resurrected_rows',
    'reordered',
    'beaten_by_earlier',
    'unknown_present',
    'declined',
    'overshadowed',
    'probes_open',
  ]) {
    assert.equal(figureOf(metrics, metric).value, 0, metric)
  }
  assert.deepEqual(verdict, { status: 'valid', reasons: [], warnings: [], broken: [] })
})

test('counts and times of planted writes come out by second, DC and operation', async () => {
  using folder = scratchFolder()
  plant(folder.path, {
    writes: [
      { dc: 0, key: 1, intendedMs: 1000, sentMs: 1004, ackedMs: 1010, bytes: 100 },
      { dc: 0, key: 2, intendedMs: 1000, sentMs: 1004, ackedMs: 1010, coalesced: true },
      { dc: 0, key: 3, intendedMs: 1990, sentMs: 1995, ackedMs: 2015 },
      { dc: 0, key: 4, sentMs: 2500, ackedMs: 2501, outcome: OUTCOME.fail },
      { dc: 0, key: 5, sentMs: 2500 },
    ],
    measureMs: [1000, 3000],
  })
  const { metrics } = await analyseRun(folder.path)
  const value = (metric: string, dc = '') => figureOf(metrics, metric, { dc }).value
  assert.deepEqual(
    [value('acknowledged'), value('acknowledged', 'us-east'), value('acknowledged', 'eu-west')],
    [1.5, 1.5, 0],
  )
  assert.deepEqual(
    ['failed', 'unknown', 'coalesced'].map((name) => value(name)),
    [1, 1, 1],
  )
  // Responses of 10, 10 and 25 ms, services of 6, 6 and 20 ms, to three digits.
  assert.ok(Math.abs((value('response_p50') ?? 0) - 10) < 0.02)
  assert.ok(Math.abs((value('response_max') ?? 0) - 25) < 0.03)
  assert.ok(Math.abs((value('service_max') ?? 0) - 20) < 0.02)
  assert.equal(value('response_p50', 'eu-west'), null)
  const intervals = readFileSync(join(folder.path, RUN_FILES.intervals), 'utf8').trim().split('\n')
  assert.deepEqual(
    intervals.slice(1).map((line) => line.split(',').slice(0, 9).join(',')),
    ['1,us-east,measure,upsert,3,2,0,0,1', '2,us-east,measure,upsert,2,1,1,1,0'],
  )
  const reader = new HistogramLogReader(readFileSync(join(folder.path, RUN_FILES.histograms), 'utf8'))
  const first = reader.nextIntervalHistogram()
  assert.deepEqual([first?.tag, first?.totalCount], ['us-east.upsert', 3])
  assert.equal(reader.nextIntervalHistogram(), null)
})

test('rows acknowledged after the phase ended are not acknowledged in it', async () => {
  using folder = scratchFolder()
  const writes = [
    { dc: 0, key: 1, sentMs: 1500, ackedMs: 1502 },
    { dc: 0, key: 2, sentMs: 1999, ackedMs: 2500 },
  ]
  plant(folder.path, { writes, measureMs: [1000, 2000] })
  const { metrics, verdict } = await analyseRun(folder.path)
  assert.equal(figureOf(metrics, 'acknowledged').value, 1)
  assert.match(verdict.reasons.join(), /Offered but not acknowledged in time was 0\.5/)
})

test('a torn ledger part is read as far as it goes and makes the run invalid', async () => {
  using folder = scratchFolder()
  plant(folder.path, { writes: [{ dc: 0, key: 1, sentMs: 1500, ackedMs: 1502 }] })
  appendFileSync(join(folder.path, RUN_FILES.ledger, writesFile('us-east', 0)), Buffer.from([0x47, 0x57, 0x43]))
  const { metrics, verdict } = await analyseRun(folder.path)
  assert.equal(figureOf(metrics, 'response_p50').n, 1)
  assert.match(verdict.reasons.join(), /writes-us-east-0\.bin ends in the middle of a block/)
})

for (const partitions of [1, 3]) {
  test(`a torn file of final rows tells nothing of what was lost, in ${partitions} parts`, async () => {
    using folder = scratchFolder()
    const writes = Array.from({ length: 9 }, (_, key) => ({ dc: 0, key, sentMs: 1500, ackedMs: 1502 }))
    plant(folder.path, { writes })
    const file = join(folder.path, RUN_FILES.ledger, finalFile('eu-west'))
    truncateSync(file, statSync(file).size - 1)
    const { metrics, verdict } = await analyseRun(folder.path, { partitions })
    for (const metric of ['lost_writes', 'lost_updates', 'mixed_rows', 'resurrected_rows']) {
      assert.equal(figureOf(metrics, metric).value, null, metric)
    }
    assert.deepEqual(verdict.broken, [])
    assert.match(verdict.reasons.join(), /final-eu-west\.bin ends in the middle of a block/)
  })
}

test('a folder that is no run says so', async () => {
  using folder = scratchFolder()
  writeFileSync(join(folder.path, RUN_FILES.run), '{"format": 7}')
  await assert.rejects(analyseRun(folder.path), (error) => error instanceof BenchError && error.code === 'RUN_FOLDER')
})

test('a run whose ledger was dropped answers from what was kept', async () => {
  using folder = scratchFolder()
  const writes = [{ dc: 0, key: 1, sentMs: 1500, ackedMs: 1502 }]
  plant(folder.path, { writes, facts: (facts) => ({ ...facts, ledgerDropped: true }) })
  const first = await analyseRun(folder.path)
  using other = scratchFolder()
  writeFileSync(join(other.path, RUN_FILES.run), readFileSync(join(folder.path, RUN_FILES.run)))
  assert.deepEqual((await analyseRun(other.path)).metrics, first.metrics)
})
