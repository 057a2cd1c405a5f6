// Faults with planted truth: backlog, catching up, outage, and an audit that blames no run for what was broken on purpose.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf } from '../contract/analysis.ts'
import type { FaultFacts } from '../contract/fault.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { catchUpOf } from './catch-up.ts'
import { FaultSpans } from './fault-spans.ts'
import { plant, scratchFolder, type PlantedProbe, type PlantedRun, type PlantedWrite } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const PHASE_MS = 20_000
const START_MS = 5000
const END_MS = 7000
const LAG_MS = 40
/** What is applied after the heal, in ms a row: 20 rows/s come in, 100 rows/s can be applied. */
const APPLY_MS = 10

const partition: FaultFacts = {
  name: 'partition us-east|eu-west',
  kind: 'blackhole',
  dcs: ['us-east', 'eu-west'],
  links: [
    { from: 'us-east', to: 'eu-west' },
    { from: 'eu-west', to: 'us-east' },
  ],
  services: [],
  startUs: START_MS * 1000,
  mendUs: END_MS * 1000,
  endUs: END_MS * 1000,
}

/** Twenty writes a second in each DC, each of its own key. */
const WRITES: readonly PlantedWrite[] = Array.from({ length: PHASE_MS / 25 }, (_, i) => ({
  dc: i % 2,
  key: i,
  sentMs: i * 25 + 1,
  ackedMs: i * 25 + 3,
}))

/** When each write of us-east became visible: held from the start of the fault, then applied one after another. */
function visibleMs(): Map<number, number> {
  const visible = new Map<number, number>()
  let freeMs = 0
  for (const [i, { dc, ackedMs = 0 }] of WRITES.entries()) {
    if (dc === 1) continue
    const arrivesMs = ackedMs + LAG_MS
    const held = arrivesMs > START_MS && ackedMs < END_MS
    freeMs = Math.max(freeMs + APPLY_MS, held ? Math.max(arrivesMs, END_MS + LAG_MS) : arrivesMs)
    visible.set(i, freeMs)
  }
  return visible
}

/** Probes whose brackets are 4 ms wide around the truth. */
function probes(): PlantedProbe[] {
  const visible = visibleMs()
  return WRITES.map(({ ackedMs = 0 }, write) => {
    const atMs = visible.get(write) ?? ackedMs + LAG_MS
    return { peer: 1 - WRITES[write].dc, write, missMs: atMs - 2, closedMs: atMs + 2 }
  })
}

const withFaults =
  (...faults: readonly FaultFacts[]): NonNullable<PlantedRun['facts']> =>
  (facts) => ({ ...facts, faults })

async function analyse(run: Partial<PlantedRun>) {
  using folder = scratchFolder()
  plant(folder.path, {
    writes: WRITES,
    probes: probes(),
    measureMs: [0, PHASE_MS],
    facts: withFaults(partition),
    ...run,
  })
  return await analyseRun(folder.path)
}

test('backlog, catching up and the longest lag of a partition are those that were planted', async () => {
  const { metrics, faults } = await analyse({})
  const phase = partition.name
  const east = (metric: string) => figureOf(metrics, metric, { dc: 'us-east', peer: 'eu-west', phase })
  const west = (metric: string) => figureOf(metrics, metric, { dc: 'eu-west', peer: 'us-east', phase })
  // By hand: what was acknowledged and not yet visible, at its most, just before the first of it arrives.
  const visible = [...visibleMs()]
  const behindAt = (ms: number) => visible.filter(([i, atMs]) => (WRITES[i].ackedMs ?? 0) <= ms && atMs > ms).length
  const peak = Math.max(...Array.from({ length: PHASE_MS }, (_, ms) => behindAt(ms)))
  const backlog = east('fault_backlog_peak')
  assert.ok((backlog.low ?? 0) <= peak && peak <= (backlog.high ?? 0), `${backlog.low} … ${backlog.high} holds ${peak}`)
  assert.ok(peak >= 40 && (backlog.high ?? 0) <= peak + 1)
  // Caught up when no more writes than before are under way, and they arrive as fast.
  const before = Math.max(...Array.from({ length: START_MS }, (_, ms) => behindAt(ms)))
  const levelBackMs =
    Array.from({ length: PHASE_MS }, (_, ms) => ms).find((ms) => ms > END_MS + LAG_MS && behindAt(ms) <= before) ?? 0
  const catchUp = east('fault_catch_up')
  const truth = (levelBackMs - END_MS) / 1000
  assert.ok(Math.abs((catchUp.value ?? 0) - truth) < 0.06, `${catchUp.value} for ${truth}`)
  assert.ok((catchUp.low ?? 9) <= (catchUp.high ?? 0))
  const longest = Math.max(...visible.map(([i, atMs]) => atMs - (WRITES[i].ackedMs ?? 0)))
  const lag = east('fault_lag_max')
  assert.ok((lag.low ?? 0) <= longest && longest <= (lag.high ?? 0), `${lag.low} … ${lag.high} holds ${longest}`)
  // The other direction was never behind.
  assert.deepEqual([west('fault_catch_up').value, west('fault_backlog_peak').value], [0, 1])
  assert.equal(figureOf(metrics, 'fault_catch_up', { phase }).value, catchUp.value)
  assert.deepEqual(
    faults?.map(({ name, startSeconds, endSeconds }) => [name, startSeconds, endSeconds]),
    [[phase, 5, 7]],
  )
})

test('a backlog that is still there when the next fault begins has no catch-up time', async () => {
  const next = { ...partition, name: 'next', startUs: 7_050_000, mendUs: 7_060_000, endUs: 7_060_000 }
  const { metrics } = await analyse({ facts: withFaults(partition, next) })
  assert.equal(figureOf(metrics, 'fault_catch_up', { phase: partition.name }).value, null)
  assert.ok((figureOf(metrics, 'fault_catch_up', { phase: 'next' }).value ?? 0) > 0.3)
})

test('a row that never arrives keeps the link behind only while it counts as waiting', () => {
  const ackedUs = Float64Array.from({ length: 400 }, (_, i) => i * 50_000)
  const seen = ackedUs.map((us) => us + 40_000)
  seen[120] = Number.POSITIVE_INFINITY
  const calm = { fromUs: 0, untilUs: 5.9e6 }
  const fault = { calm, startUs: 5.9e6, endUs: 6.1e6, untilUs: Number.POSITIVE_INFINITY }
  const found = catchUpOf({ ackedUs, earliestUs: seen, latestUs: seen }, fault)
  // One is under way most of the time anyway: the lost one makes it two, now and then.
  assert.deepEqual([found.peakHigh, found.lagMaxHighUs], [2, 40_000])
})

test('outage, failed and unknown rows of a kill are counted by DC and fault', async () => {
  const kill: FaultFacts = {
    ...partition,
    name: 'kill eu-west',
    kind: 'kill',
    dcs: ['eu-west'],
    links: [],
    services: ['s'],
  }
  const writes = WRITES.map((write): PlantedWrite => {
    if (write.dc === 0 || write.sentMs < START_MS || write.sentMs > END_MS + 500) return write
    return { ...write, outcome: write.sentMs < START_MS + 100 ? OUTCOME.info : OUTCOME.fail }
  })
  const { metrics, verdict } = await analyse({ writes, facts: withFaults(kill) })
  const value = (metric: string, dc = '') => figureOf(metrics, metric, { dc, phase: 'kill eu-west' }).value
  const down = writes.filter((write) => write.outcome !== undefined)
  const last = WRITES.findLast((write) => write.dc === 1 && write.sentMs < START_MS)
  const first = WRITES.find((write) => write.dc === 1 && write.sentMs > END_MS + 500)
  assert.ok(
    Math.abs((value('fault_outage', 'eu-west') ?? 0) - ((first?.ackedMs ?? 0) - (last?.ackedMs ?? 0)) / 1000) < 1e-6,
  )
  assert.ok((value('fault_outage', 'us-east') ?? 1) <= 0.05)
  assert.equal(value('fault_unknown', 'eu-west'), down.filter(({ outcome }) => outcome === OUTCOME.info).length)
  // Those sent after the service was ready again are no longer of the fault.
  assert.equal(
    value('fault_failed', 'eu-west'),
    down.filter(({ outcome, sentMs }) => outcome === OUTCOME.fail && sentMs <= END_MS).length,
  )
  assert.deepEqual(verdict.reasons, [])
})

const rtt = (slowFromS: number, slowToS: number) => ({
  csv: {
    'rtt.csv': [
      'at_s,from,to,phase,rtt_ms',
      ...Array.from({ length: 100 }, (_, i) => i / 5).map(
        (s) => `${s},us-east,eu-west,during,${s > slowFromS && s < slowToS ? 400 : 0.5}`,
      ),
      '',
    ].join('\n'),
  },
})

test('what a fault delays is not held against the run, the same delay without a fault is', async () => {
  const calm = await analyse(rtt(4.9, 7))
  assert.deepEqual(calm.verdict, { status: 'valid', reasons: [], warnings: [], broken: [] })
  assert.equal(figureOf(calm.metrics, 'rtt_p50', { dc: 'us-east', peer: 'eu-west', phase: 'fault' }).value, 400)
  assert.equal(figureOf(calm.metrics, 'rtt_max', { dc: 'us-east', peer: 'eu-west', phase: 'during' }).value, 0.5)
  assert.match(calm.notes.join(), /judged outside the faults .*: 17\.\d of 20 s\..* Not judged: .*dropped arrivals/)
  const late = await analyse(rtt(9, 20))
  assert.match(late.verdict.reasons.join(), /Link RTT p50 off nominal/)
  const unasked = await analyse({ ...rtt(4.9, 7), facts: (facts) => facts })
  assert.match(unasked.verdict.warnings.join(), /Link RTT p99 above nominal/)
})

test('writes that fail outside a fault are held against the run', async () => {
  const writes = WRITES.map((write) => (write.sentMs > 15_000 ? { ...write, outcome: OUTCOME.fail } : write))
  assert.match((await analyse({ writes })).verdict.reasons.join(), /Offered but not acknowledged in time/)
})

test('probes that a fault left without an answer are not counted, others are', async () => {
  const open = (fromMs: number) => ({
    probes: probes().map((probe) => {
      const { ackedMs = 0, dc } = WRITES[probe.write]
      const { closedMs: _, ...rest } = probe
      return dc === 0 && ackedMs > fromMs && ackedMs < fromMs + 1500 ? { ...rest, state: PROBE_STATE.open } : probe
    }),
  })
  assert.doesNotMatch((await analyse(open(5100))).verdict.reasons.join(), /Probes without an answer/)
  const outside = await analyse({
    ...open(0),
    facts: withFaults({ ...partition, startUs: 18e6, mendUs: 18.1e6, endUs: 18.1e6 }),
  })
  // 30 writes of us-east, of the 800 but those that lie in the fault's tenth of a second.
  assert.equal(outside.audit.find(({ name }) => name === 'probes without an answer')?.value, 0.0376884)
})

test('spans that touch are one, and time is counted once', () => {
  const spans = new FaultSpans([
    { startUs: 5, endUs: 9 },
    { startUs: 1, endUs: 3 },
    { startUs: 2, endUs: 4 },
  ])
  assert.deepEqual(
    [spans.outsideUs(0, 10), spans.touch(4.5, 4.9), spans.touch(4.5, 5), spans.touch(4, 4.1)],
    [3, false, true, true],
  )
  const slices = { count: 4, startUs: 0, widthUs: 2.5, at: () => 0 }
  assert.deepEqual(spans.untouched([1, 2, 3, 4], slices), [Number.NaN, Number.NaN, Number.NaN, Number.NaN])
})
