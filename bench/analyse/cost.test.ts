// WAN bytes, write amplification, CPU and memory from planted counters; convergence from planted digests.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf } from '../contract/analysis.ts'
import { OPERATION } from '../contract/table.ts'
import { RUN_FILES, type CounterMark, type RunFacts } from '../contract/run-folder.ts'
import { classifyCopy, convergenceOf } from './convergence.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const WRITES = Array.from({ length: 100 }, (_, i) => ({
  dc: i % 2,
  key: i,
  sentMs: i * 10 + 1,
  ackedMs: i * 10 + 2,
  bytes: 100,
}))

function mark(name: CounterMark['name'], payload: number, written: number | null, cpu: number): CounterMark {
  const service = (dc: string, role: string, share: number) => ({
    service: `${role} ${dc}`,
    dc,
    role,
    cpuSeconds: cpu * share,
    storageWriteBytes: written === null ? null : written * share,
    residentMaxBytes: 1000 * share,
  })
  return {
    name,
    atUs: 0,
    deviceWriteBytes: written === null ? null : written * 10,
    links: [
      { from: 'us-east', to: 'eu-west', payloadBytes: payload * 2 },
      { from: 'eu-west', to: 'us-east', payloadBytes: payload },
    ],
    services: [
      service('us-east', 'store', 3),
      service('us-east', 'replication', 1),
      service('eu-west', 'store', 2),
      service('eu-west', 'link', 50),
      service('us-east', 'client', 7),
    ],
  }
}

const MARKS = [mark('measure-start', 1000, 5000, 1), mark('converged', 5000, 9000, 2), mark('flushed', 6000, 15_000, 3)]

async function figures(change: (facts: RunFacts) => Partial<RunFacts>) {
  using folder = scratchFolder()
  plant(folder.path, { writes: WRITES, measureMs: [0, 1000], facts: (facts) => ({ ...facts, ...change(facts) }) })
  const { metrics } = await analyseRun(folder.path)
  return (metric: string, dc = '', peer = '') => figureOf(metrics, metric, { dc, peer }).value
}

test('costs are counted from the start of the measured phase, per logical byte and per million rows', async () => {
  const value = await figures(() => ({ marks: MARKS }))
  // 100 rows of 100 bytes; the links carried 3 × 4,000 bytes until convergence.
  assert.equal(value('wan_bytes'), 1.2)
  assert.equal(value('wan_bytes', 'us-east', 'eu-west'), 0.8)
  // Stores and replication wrote 10,000 × (3 + 1) and 10,000 × 2 bytes until the flush.
  assert.equal(value('write_amplification', 'us-east'), 4)
  assert.equal(value('write_amplification', 'eu-west'), 2)
  assert.equal(value('write_amplification'), 3)
  // The device took 100,000 bytes, whoever wrote them, for 10,000 in each of two DCs.
  assert.equal(value('device_write_amplification'), 5)
  assert.equal(value('server_cpu'), 60_000)
  assert.equal(value('client_cpu'), 70_000)
  assert.equal(value('resident_max'), 6000)
})

test('what nobody counted is n/a, never 0', async () => {
  const without = await figures(() => ({}))
  for (const metric of ['wan_bytes', 'write_amplification', 'server_cpu', 'client_cpu', 'resident_max']) {
    assert.equal(without(metric), null, metric)
  }
  assert.equal(without('device_write_amplification'), null)
  const uncounted = await figures(({ ground }) => ({ marks: MARKS, ground: { ...ground, countsWrites: false } }))
  assert.equal(uncounted('write_amplification'), null)
  const halfCounted = await figures(() => ({ marks: [MARKS[0], MARKS[1], mark('flushed', 6000, null, 3)] }))
  assert.equal(halfCounted('write_amplification'), null)
})

const check = (equal: boolean, startedUs: number) => ({
  equal,
  dcs: [
    { dc: 'us-east', startedUs, endedUs: startedUs + 10_000 },
    { dc: 'eu-west', startedUs: startedUs + 5000, endedUs: startedUs + 20_000 },
  ],
})
const converged = (checks: RunFacts['convergence']['checks']) =>
  convergenceOf({ lastOutcomeUs: 1_000_000, checks, timedOut: false, wholeTableEqual: true, startedEqual: true })

test('convergence is bracketed by the last unequal check and the first of the equal ones that stay', () => {
  assert.deepEqual(converged([check(false, 1_100_000), check(true, 1_200_000), check(true, 1_300_000)]), {
    seconds: 0.22,
    lowSeconds: 0.1,
    checks: 3,
  })
  // Equal by chance once, while writes were still on their way.
  assert.equal(converged([check(true, 1_100_000), check(false, 1_200_000), check(true, 1_300_000)]).lowSeconds, 0.2)
  assert.deepEqual(converged([check(true, 1_100_000), check(false, 1_200_000)]).seconds, null)
  assert.equal(converged([]).seconds, null)
})

test('a divergent copy is missing, stale, mixed or resurrected', async () => {
  const newest = { dc: 'us-east', dot: 9, version: 90, whole: true }
  const copy = (change: Partial<typeof newest>) => ({ ...newest, dc: 'eu-west', ...change })
  assert.equal(classifyCopy(copy({ dot: 0, version: 0 }), newest, false), 'missing')
  assert.equal(classifyCopy(copy({ dot: 4, version: 40 }), newest, false), 'stale')
  assert.equal(classifyCopy(copy({ dot: 4, version: 40 }), newest, true), 'resurrected')
  assert.equal(classifyCopy(copy({ whole: false }), newest, false), 'mixed')
  assert.equal(classifyCopy(newest, newest, false), 'latest')
  assert.equal(classifyCopy(copy({ dot: 8 }), newest, false), 'twin')
})

test('a row that came back after its deletion is told from a stale one by the ledger', async () => {
  using folder = scratchFolder()
  const writes = [
    { dc: 0, key: 1, sentMs: 10, ackedMs: 11 },
    { dc: 0, key: 1, sentMs: 20, ackedMs: 21, operation: OPERATION.delete },
  ]
  const dots = plant(folder.path, { writes, measureMs: [0, 1000] })
  const stored = JSON.parse(readFileSync(join(folder.path, RUN_FILES.run), 'utf8')) as RunFacts
  const copies = dots.map((dot, i) => ({ dc: ['eu-west', 'us-east'][i], ...dot, whole: true }))
  plant(folder.path, {
    writes,
    measureMs: [0, 1000],
    facts: () => ({ ...stored, divergent: { total: 1, rows: [{ key: 1, dcs: copies }] } }),
  })
  await analyseRun(folder.path)
  const lines = readFileSync(join(folder.path, RUN_FILES.divergence), 'utf8').trim().split('\n')
  assert.match(lines[1], /^1,eu-west,resurrected,/)
  assert.match(lines[2], /^1,us-east,latest,.*,1$/)
})
