// What the crash test makes of an analysis, figure by figure.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metric, RunAnalysis } from '../contract/analysis.ts'
import { brokenIn } from './judge.ts'

const metric = (name: string, value: number | null, bounds: { low?: number; high?: number } = {}): Metric => ({
  dc: '',
  peer: '',
  phase: 'run',
  metric: name,
  unit: '',
  value,
  low: bounds.low ?? value,
  high: bounds.high ?? value,
  n: 1,
})

const WHOLE = {
  lost_writes: 0,
  lost_writes_everywhere: 0,
  divergent_rows: 0,
  resurrected_rows: 0,
  mixed_rows: 0,
  reordered: 0,
  acknowledged: 1000,
  convergence: 0.5,
  lost_updates: 0,
}

function analysis(changed: Record<string, number | null> = {}, own: Partial<RunAnalysis> = {}): RunAnalysis {
  const metrics = Object.entries({ ...WHOLE, ...changed }).map(([name, value]) => metric(name, value))
  return {
    metrics,
    faults: [{}, {}],
    workload: 'profiles',
    capabilities: { ordered: true },
    verdict: { status: 'valid', reasons: [], warnings: [], broken: [] },
    ...own,
  } as unknown as RunAnalysis
}

test('a run that kept everything is fine, also one whose lost updates are not a broken promise', () => {
  assert.deepEqual(brokenIn(analysis(), 2), [])
  assert.deepEqual(brokenIn(analysis({ lost_updates: 12 }), 2), [])
})

for (const [name, sentence] of [
  ['lost_writes', /^3 acknowledged writes are lost in some DC/],
  ['lost_writes_everywhere', /^3 acknowledged writes are lost in all DCs/],
  ['divergent_rows', /^3 rows differ/],
  ['resurrected_rows', /^3 deleted rows are back/],
  ['mixed_rows', /^3 rows hold what no write made/],
  ['reordered', /^3 writes were seen after later ones/],
] as const) {
  test(`${name} above 0 breaks it`, () => {
    const broken = brokenIn(analysis({ [name]: 3 }), 2)
    assert.equal(broken.length, 1)
    assert.match(broken[0], sentence)
  })
}

test('sums of counters may lie anywhere within the writes of unknown outcome, and nowhere else', () => {
  const counted = (low: number, high: number) =>
    brokenIn(
      analysis(
        {},
        {
          workload: 'counter',
          metrics: Object.entries({ ...WHOLE, lost_updates: low }).map(([name, value]) =>
            metric(name, value, name === 'lost_updates' ? { low, high } : {}),
          ),
        },
      ),
      2,
    )
  assert.deepEqual(counted(-2, 3), [])
  assert.match(counted(1, 3).join(), /At least 1 are missing/)
  assert.match(counted(-5, -2).join(), /At least 2 too many .* applied twice/)
  assert.match(brokenIn(analysis({ lost_updates: null }, { workload: 'counter' }), 2).join(), /not counted/)
})

test('a run that shows nothing proves nothing', () => {
  assert.match(brokenIn(analysis(), 3).join(), /2 of 3 kills took place/)
  assert.match(brokenIn(analysis({ acknowledged: 0 }), 2).join(), /Nothing was acknowledged/)
  assert.match(brokenIn(analysis({ convergence: null }), 2).join(), /did not become equal/)
})

test('what the verdict calls broken stands as it is', () => {
  const verdict = { status: 'valid', reasons: [], warnings: [], broken: ['A promise.'] } as const
  assert.deepEqual(brokenIn(analysis({}, { verdict }), 2), ['A promise.'])
})
