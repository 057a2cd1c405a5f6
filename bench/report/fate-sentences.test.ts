// What a reader is told of planted faults, of rows and writes that went wrong, and of exact causality; nothing where there is nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BenchAnalysis, Metric, PlantedFinding, RunAnalysis, SystemAnalysis } from '../contract/analysis.ts'
import { colorsFor } from './colors.ts'
import { jsonSummary } from './json.ts'
import { plantedTableLines } from './planted-table.ts'
import { renderBench } from './terminal.ts'

const PLAIN = colorsFor({ isTTY: false }, {})

function metric(name: string, change: Partial<Metric>): Metric {
  return {
    metric: name,
    unit: 'rows',
    value: 0,
    low: null,
    high: null,
    n: null,
    dc: '',
    peer: '',
    phase: 'run',
    ...change,
  }
}

/** One run of a system in which all is well but for these metrics. */
function bench(metrics: readonly Metric[], change: Partial<SystemAnalysis & RunAnalysis> = {}): BenchAnalysis {
  const verdict = { status: 'valid', reasons: [], warnings: [], broken: [] } as const
  const known = [...metrics, metric('lost_writes', {}), metric('divergent_rows', {})]
  const system = {
    label: 'memory lww',
    capabilities: { conflicts: 'last-write-wins' },
    conflictBasis: 'probed',
    runs: ['1-memory'],
    rowsPerSecond: 100,
    metrics: known,
    ...change,
  } as SystemAnalysis
  const run = {
    run: '1-memory',
    rows: 1000,
    dcs: ['a', 'b'],
    links: [{ from: 'a', to: 'b', delayMs: 40 }],
    seed: 1,
    fdatasyncP50Ms: 0.2,
    notes: [],
    audit: [],
    metrics: known,
    verdict,
    ...change,
  } as unknown as RunAnalysis
  return { folder: 'f', workload: 'profiles', runs: [run], systems: [system], verdict }
}

const textOf = (analysis: BenchAnalysis) => renderBench(analysis, 'f', PLAIN).replaceAll(/\s+/g, ' ')

test('nothing is said of what did not happen', () => {
  const names = ['mixed_rows', 'resurrected_rows', 'reordered', 'beaten_by_earlier', 'unknown_present', 'declined']
  const text = textOf(bench(names.map((name) => metric(name, { low: 0, high: 0, n: name === 'reordered' ? 99 : 0 }))))
  assert.doesNotMatch(text, /mixed|came back|probed writes|clocks|without a known|took turns|vector|planted/)
})

test('each thing that went wrong is a sentence with its bounds', () => {
  const text = textOf(
    bench([
      metric('mixed_rows', { value: 1 }),
      metric('resurrected_rows', { value: 2 }),
      metric('reordered', { value: 3, low: 3, high: 40, n: 900 }),
      metric('beaten_by_earlier', { value: 4, low: 2, high: 6 }),
      metric('unknown_present', { value: 5, low: 5, high: 7, n: 12 }),
    ]),
  )
  assert.match(text, /1 row ends mixed: no write made what they hold/)
  assert.match(text, /2 deleted rows came back in some DC, and count among the lost writes\./)
  assert.match(
    text,
    /At least 3 of 900 probed writes were seen after .* \(at most 40\): the system does not declare to keep the order of different rows\./,
  )
  assert.match(text, /4 writes \(2 to 6\) lost to a concurrent one .*: the clocks of the DCs differ\./)
  assert.match(text, /Of 12 writes without a known outcome over the whole run at least 5 and at most 7 happened\./)
})

test('under turns the report says why the store’s own counter is not 0', () => {
  const metrics = [metric('declined', { value: 1234 }), metric('conflicts_reported', { value: 77 })]
  const reportedMeaning = 'Rows that another origin wrote last.'
  const taking = { reportedMeaning, takesTurns: true } as const
  const text = textOf(bench(metrics, taking))
  assert.match(text, /took turns on every key, so that no two writes were concurrent; 1,234 rows .* declined\./)
  assert.match(text, /own counter says 77 all the same, .* but this: Rows that another origin wrote last\./)
  const none = metric('conflicts_reported', { value: 0 })
  assert.doesNotMatch(textOf(bench([metrics[0]], taking)), /all the same/)
  assert.doesNotMatch(textOf(bench([metrics[0], none], taking)), /all the same/)
})

test('an exact share stands in the table with the bounds of visibility beside it, and its cost is told', () => {
  const share = metric('conflict_share', { unit: 'ratio', value: 0.05, low: 0.04, high: 0.07, phase: 'measure' })
  const text = renderBench(bench([share], { conflictBasis: 'exact' }), 'f', PLAIN)
  assert.match(text, /share +\[min\.\.max\] +predicted/)
  assert.match(text, /5\.00 % +\[4\.00\.\.7\.00\]/)
  assert.match(
    text.replaceAll(/\s+/g, ' '),
    /5\.00 % of the writes were in a conflict, by their vectors \(by visibility 4\.00 % to 7\.00 %\)/,
  )
  assert.match(text, /every row keeps and ships a version vector/)
  assert.doesNotMatch(renderBench(bench([share]), 'f', PLAIN), /min\.\.max|vector/)
})

test('of a counter the report sets what its sum misses beside what the chains of the writes say', () => {
  const share = metric('conflict_share', { unit: 'ratio', value: 0.05, phase: 'measure' })
  const sums = [metric('lost_updates', { unit: 'units', value: 120, low: 120, high: 130 })]
  const chains = metric('lost_updates_by_chains', { unit: 'units', value: 121 })
  assert.match(
    textOf(bench([share, ...sums, chains])),
    /; the counters miss 120 \(120 to 130\) of what was added to them, and the writes that no final row descends from had added 121\./,
  )
})

test('of a counter that the DCs hold different sums of the report says what each of them misses', () => {
  const share = metric('conflict_share', { unit: 'ratio', value: 0.05, phase: 'measure' })
  const all = metric('lost_updates', { unit: 'units', value: null })
  const [east, west] = ['us-east', 'eu-west'].map((peer, i) =>
    metric('lost_updates', { unit: 'units', peer, value: 3213 - 6 * i }),
  )
  const chains = metric('lost_updates_by_chains', { unit: 'units', value: null })
  assert.match(
    textOf(bench([share, all, east, west, chains])),
    /; the counters end different in the DCs, and miss of what was added to them 3,213 in us-east, 3,207 in eu-west\./,
  )
})

const planted = (change: Partial<PlantedFinding>): PlantedFinding => ({
  name: 'lose',
  meaning: 'Lost.',
  rows: 40,
  standing: 30,
  metric: 'lost_writes',
  found: { value: 30, low: null, high: null, n: null },
  ...change,
})

test('planted stands beside found, and agreement is the bracket’s to say', () => {
  const findings = [
    planted({}),
    planted({ name: 'mix', standing: 31 }),
    planted({ name: 'swap', standing: 31, found: { value: 30, low: 28, high: 33, n: null } }),
    planted({ name: 'hide', standing: 29, found: { value: 30, low: 28, high: 33, n: null } }),
    planted({ name: 'delay', metric: 'lag_p50', found: { value: 42.5, low: 40, high: 42.5, n: 9 } }),
  ]
  const analysis = bench([metric('lag_p50', { unit: 'ms', value: 42.5 })], { planted: findings })
  const lines = plantedTableLines(analysis, PLAIN).map((line) => line.split(/ {2,}/))
  assert.deepEqual(lines.slice(1, -1), [
    ['planted', 'rows', 'standing', 'found', 'by'],
    ['lose', '40', '30', '30', 'lost_writes', 'agrees'],
    ['mix', '40', '31', '30', 'lost_writes', 'differs'],
    ['swap', '40', '31', '30 (28–33)', 'lost_writes', 'agrees'],
    ['hide', '40', '29', '30 (28–33)', 'lost_writes', 'agrees'],
    ['delay', '40', '30', '42.5 ms (40.0–42.5)', 'lag_p50'],
  ])
  assert.match(lines.at(-1)?.join(' ') ?? '', /Several faults are planted at once/)
  const one = plantedTableLines(bench([], { planted: [planted({ standing: 31 })] }), PLAIN)
  assert.equal(one.length, 3, 'a fault alone that differs has no excuse')
  assert.deepEqual(JSON.parse(jsonSummary(analysis, 'f')).runs[0].planted, findings)
  assert.ok(textOf(analysis).includes('planted rows standing found by'))
})
