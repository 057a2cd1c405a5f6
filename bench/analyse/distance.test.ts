// What the harness's distance from servers of the user's adds to a lag, with planted writes, probes and round trips.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import type { CounterMark, RunFacts } from '../contract/run-folder.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const LAG_MS = 50

/** Marks of servers that nobody could measure, beside a pipeline that the harness could. */
const mark = (name: CounterMark['name']): CounterMark => ({
  name,
  atUs: 0,
  deviceWriteBytes: null,
  links: [],
  services: [
    { service: 'client', dc: '', role: 'client', cpuSeconds: 1, storageWriteBytes: null, residentMaxBytes: 1 },
    { service: 'a', dc: 'us-east', role: 'store', cpuSeconds: null, storageWriteBytes: null, residentMaxBytes: null },
    { service: 'b', dc: 'us-east', role: 'replication', cpuSeconds: 1, storageWriteBytes: 9, residentMaxBytes: 9 },
  ],
})

function elsewhere(facts: RunFacts): RunFacts {
  const { scenario } = facts
  const links = scenario.topology.links.map((link) => ({ ...link, isUnknown: true as const }))
  const external = {
    encryption: { 'us-east': 'verified', 'eu-west': 'unverified' },
    peerEncryption: { 'us-east': 'verify-full', 'eu-west': 'disable' },
    besideHarness: [],
  } as const
  return {
    ...facts,
    marks: (['measure-start', 'measure-end', 'converged', 'flushed'] as const).map(mark),
    scenario: { ...scenario, deployment: 'external', external, topology: { ...scenario.topology, links } },
  }
}

/** Every write is seen in the other DC 50 ms after its acknowledgement; the DCs are so far from the harness, round trip in ms. */
async function analysed(farMs: readonly [usEast: number, euWest: number], change = elsewhere): Promise<RunAnalysis> {
  using folder = scratchFolder()
  const writes = Array.from({ length: 200 }, (_, i) => ({ dc: i % 2, key: i, sentMs: i * 10, ackedMs: i * 10 + 2 }))
  const probes = writes.map(({ dc, ackedMs }, write) => ({
    write,
    peer: 1 - dc,
    missMs: ackedMs + LAG_MS - 1,
    closedMs: ackedMs + LAG_MS,
  }))
  const trips = ['us-east', 'eu-west'].map((dc, i) => `1,harness,${dc},during,${farMs[i]}`)
  plant(folder.path, {
    writes,
    probes,
    measureMs: [0, 2000],
    facts: change,
    csv: { 'rtt.csv': `at_s,from,to,phase,rtt_ms\n${trips.join('\n')}\n` },
  })
  return await analyseRun(folder.path)
}

test('the error of a pair is the larger round trip of its DCs, and the worst pair stands for all', async () => {
  const { metrics, notes } = await analysed([1, 4])
  const errorAt = (at = {}) => figureOf(metrics, 'lag_error_distance', at).value
  assert.equal(errorAt({ dc: 'us-east', peer: 'eu-west' }), 4)
  assert.equal(errorAt({ dc: 'eu-west', peer: 'us-east' }), 4)
  assert.equal(errorAt(), 4)
  assert.equal(figureOf(metrics, 'rtt_p50', { dc: 'harness', peer: 'eu-west', phase: 'during' }).value, 4)
  assert.ok(
    notes.some((note) => /stands 1\.00 ms from us-east and 4\.00 ms from eu-west \(round trip, p50\)/.test(note)),
  )
})

test('a distance of a tenth of the lag is warned of, one beyond the lag makes the run invalid', async () => {
  const verdict = async (farMs: number) => (await analysed([0.1, farMs])).verdict
  const near = await verdict(0.09 * LAG_MS)
  assert.deepEqual([near.status, near.warnings], ['valid', []])
  const farther = await verdict(0.11 * LAG_MS)
  assert.equal(farther.status, 'valid')
  assert.match(farther.warnings[0], /Harness’s distance as a part of the lag p50 was 0\.11 \(/)
  const far = await verdict(1.02 * LAG_MS)
  assert.equal(far.status, 'invalid')
  assert.match(far.reasons[0], /Harness’s distance ÷ lag p50 was 1\.02 .*run it nearer to them/)
})

test('links that are not ours have no nominal round trip to be off from, and no least delay', async () => {
  const { audit, verdict } = await analysed([40, 30])
  const line = (name: string) => audit.find((one) => one.name === name)?.result
  assert.equal(line('link RTT p50 off nominal'), 'not judged')
  assert.equal(line('link RTT p99 above nominal'), 'not judged')
  assert.equal(verdict.status, 'valid')
})

test('what servers of the user use is n/a, also where a part of it is known', async () => {
  const { metrics, notes } = await analysed([1, 1])
  for (const metric of ['wan_bytes', 'write_amplification', 'server_cpu', 'resident_max'])
    assert.equal(figureOf(metrics, metric).value, null, metric)
  assert.equal(figureOf(metrics, 'wan_bytes', { dc: 'us-east', peer: 'eu-west' }).value, null)
  assert.equal(figureOf(metrics, 'server_cpu', { dc: 'us-east' }).value, null)
  assert.ok((figureOf(metrics, 'client_cpu').value ?? Number.NaN) >= 0)
  assert.ok(notes.some((note) => note.startsWith('Nobody checked who answers for eu-west')))
  assert.ok(notes.some((note) => note.startsWith('Servers that replicate from eu-west did not verify')))
})

test('where the links are ours nothing is said of a distance', async () => {
  const { metrics, notes } = await analysed([40, 40], (facts) => facts)
  assert.equal(figureOf(metrics, 'lag_error_distance').value, null)
  assert.deepEqual(
    notes.filter((note) => /stands/.test(note)),
    [],
  )
})
