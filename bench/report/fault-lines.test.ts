// What a reader is told of a fault in one line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultSummary, Metric, RunAnalysis, SystemAnalysis } from '../contract/analysis.ts'
import { faultSentences } from './fault-lines.ts'

const FAULT: FaultSummary = {
  name: 'kill eu-west',
  kind: 'kill',
  links: [{ from: 'us-east', to: 'eu-west' }],
  startSeconds: 10.002,
  mendSeconds: 30.004,
  endSeconds: 30.4,
}

const metric = (name: string, value: number | null, dc = '', phase = FAULT.name): Metric => {
  return { metric: name, unit: '', value, low: null, high: null, n: null, dc, peer: '', phase }
}

const BOTH_WRITE = [
  metric('fault_backlog_peak', 41_000),
  metric('fault_catch_up', 1.9),
  metric('fault_outage', 0.02, 'us-east'),
  metric('fault_outage', 0.03, 'eu-west'),
  metric('fault_failed', 0),
  metric('fault_unknown', 0),
]

function sentences(metrics: readonly Metric[], fault: FaultSummary | null = FAULT, labels = ['lsm log']): string[] {
  const runs = labels.map((label) => ({
    run: label,
    dcs: ['us-east', 'eu-west'],
    faults: fault === null ? [] : [fault],
  }))
  const systems = labels.map((label) => ({ label, runs: [label], metrics }))
  return faultSentences({
    runs: runs as unknown as RunAnalysis[],
    systems: systems as unknown as SystemAnalysis[],
  })
}

test('a fault through which everybody went on writing is one line', () => {
  assert.deepEqual(sentences(BOTH_WRITE, { ...FAULT, name: 'kill eu-west', kind: 'blackhole' }), [
    'kill eu-west 10.0–30.0 s: backlog 41,000 rows, caught up 1.90 s after the heal; us-east and eu-west went on writing.',
  ])
})

test('who stood still, and what failed or is not known, is told', () => {
  const down = [
    metric('fault_outage', 21.04, 'eu-west'),
    metric('fault_failed', 1487),
    metric('fault_unknown', 6),
    ...BOTH_WRITE,
  ]
  assert.match(
    sentences(down)[0],
    /caught up 1\.90 s after it was ready again; us-east went on writing; eu-west acknowledged nothing for 21\.0 s; 1,487 rows failed; 6 rows of unknown outcome\.$/,
  )
})

test('a catch-up that was not reached is told apart from one that cannot be known', () => {
  const never = [metric('fault_catch_up', null), ...BOTH_WRITE]
  assert.match(sentences(never)[0], /not caught up before the next fault or the end/)
  const unreadable = [metric('fault_backlog_peak', null), metric('fault_catch_up', null), ...BOTH_WRITE]
  assert.match(sentences(unreadable, { ...FAULT, links: [] })[0], /backlog n\/a, catching up n\/a/)
})

test('several systems are named, and a bench without faults has no line', () => {
  assert.deepEqual(
    sentences(BOTH_WRITE, FAULT, ['lsm log', 'postgres cdc']).map((sentence) => sentence.split(': ')[0]),
    ['lsm log', 'postgres cdc'],
  )
  assert.deepEqual(sentences(BOTH_WRITE, null), [])
})
