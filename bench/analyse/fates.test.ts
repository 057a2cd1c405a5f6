// What became of writes against planted truth: by hand, and in random worlds whose commits, arrivals and pasts are known.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION } from '../contract/table.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import { loadedDot } from '../lib/dot.ts'
import { FINAL_STATE, PROBE_STATE } from '../lib/ledger-format.ts'
import { makeCausalWorld, type CausalPlan, type CausalWorld } from './causal-world.fixture.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'
import { makeWorld, type World } from './world.fixture.ts'

const FIRST_SEED = 4100
/** GEOWRITE_ORACLE=<worlds> looks at more of them. */
const WORLDS = Number(process.env['GEOWRITE_ORACLE'] ?? 24)

async function analysed(run: PlantedRun): Promise<RunAnalysis & { readonly intervals: string }> {
  using folder = scratchFolder()
  plant(folder.path, run)
  const analysis = await analyseRun(folder.path, { partitions: 2 })
  return { ...analysis, intervals: readFileSync(join(folder.path, RUN_FILES.intervals), 'utf8') }
}

const valueOf = ({ metrics }: RunAnalysis, metric: string, at = {}) => figureOf(metrics, metric, at).value
const boundsOf = ({ metrics }: RunAnalysis, metric: string, at = {}) => {
  const { low, value, high } = figureOf(metrics, metric, at)
  return [low, value, high]
}

const first = { dc: 0, key: 5, sentMs: 1000, ackedMs: 1002 }
const second = { dc: 0, key: 5, sentMs: 1100, ackedMs: 1102 }
const deleting = { ...second, operation: OPERATION.delete }

test('a row of mixed content counts once for its key, and for each DC that holds it', async () => {
  const other = { ...first, key: 6 }
  const analysis = await analysed({
    writes: [first, other],
    finals: [
      { dc: 0, key: 5, write: 0, state: FINAL_STATE.mixed },
      { dc: 1, key: 5, write: 0, state: FINAL_STATE.mixed },
      { dc: 0, key: 6, write: 1 },
      { dc: 1, key: 6, write: 1, state: FINAL_STATE.mixed },
    ],
  })
  assert.equal(valueOf(analysis, 'mixed_rows'), 2)
  assert.equal(valueOf(analysis, 'mixed_rows', { peer: 'us-east' }), 1)
  assert.equal(valueOf(analysis, 'mixed_rows', { peer: 'eu-west' }), 2)
  assert.equal(valueOf(analysis, 'lost_writes'), 0)
  assert.deepEqual(analysis.verdict.broken, ['2 rows are mixed at the end: no write made what they hold.'])
})

test('content under the dot of a delete is mixed, and so is a tombstone under that of a write or of a loaded row', async () => {
  const mixed = async (operation: number, state: number) =>
    valueOf(
      await analysed({
        writes: [{ ...first, operation }],
        finals: [
          { dc: 0, key: 5, write: 0 },
          { dc: 1, key: 5, write: 0, state },
        ],
      }),
      'mixed_rows',
    )
  assert.equal(await mixed(OPERATION.delete, FINAL_STATE.whole), 1)
  assert.equal(await mixed(OPERATION.delete, FINAL_STATE.deleted), 0)
  assert.equal(await mixed(OPERATION.upsert, FINAL_STATE.deleted), 1)
  assert.equal(await mixed(OPERATION.increment, FINAL_STATE.whole), 0)
  const loaded = { ...first, dot: loadedDot(5), version: 16 }
  const analysis = await analysed({
    writes: [first, { ...loaded, outcome: OUTCOME.fail }],
    finals: [
      { dc: 0, key: 5, write: 1, state: FINAL_STATE.deleted },
      { dc: 1, key: 5, write: 0 },
    ],
  })
  assert.equal(valueOf(analysis, 'mixed_rows'), 1)
})

test('a delete under which an older write stands is a row that came back, and a lost write', async () => {
  const finals = [
    { dc: 0, key: 5, write: 1 },
    { dc: 1, key: 5, write: 0 },
  ]
  const analysis = await analysed({ writes: [first, deleting], finals })
  assert.equal(valueOf(analysis, 'resurrected_rows'), 1)
  assert.equal(valueOf(analysis, 'resurrected_rows', { peer: 'eu-west' }), 1)
  assert.equal(valueOf(analysis, 'resurrected_rows', { peer: 'us-east' }), 0)
  assert.equal(valueOf(analysis, 'lost_writes'), 1)
  assert.equal(valueOf(analysis, 'mixed_rows'), 0)
  assert.deepEqual(analysis.verdict.broken, [
    '1 acknowledged write is lost in at least one DC, 0 of them in all; 1 of them deleted a row that came back.',
  ])
  const later = { dc: 1, key: 5, sentMs: 1300, outcome: OUTCOME.info }
  assert.equal(valueOf(await analysed({ writes: [first, deleting, later], finals }), 'resurrected_rows'), 0)
})

test('a row that is stale, or an old tombstone, has not come back', async () => {
  const stale = await analysed({
    writes: [first, second],
    finals: [
      { dc: 0, key: 5, write: 1 },
      { dc: 1, key: 5, write: 0 },
    ],
  })
  assert.deepEqual([valueOf(stale, 'resurrected_rows'), valueOf(stale, 'lost_writes')], [0, 1])
  const again = { ...second, sentMs: 1200, ackedMs: 1202, operation: OPERATION.delete }
  const tombstone = await analysed({
    writes: [{ ...first, operation: OPERATION.delete }, second, again],
    finals: [
      { dc: 0, key: 5, write: 2 },
      { dc: 1, key: 5, write: 0 },
    ],
  })
  assert.deepEqual([valueOf(tombstone, 'resurrected_rows'), valueOf(tombstone, 'lost_writes')], [0, 1])
})

test('an unknown write happened where a DC ends with it or a read can have shown nothing else; a later write of its DC hides it', async () => {
  const unknown = { dc: 0, key: 5, sentMs: 1000, outcome: OUTCOME.info }
  const atEnd = await analysed({
    writes: [unknown],
    finals: [
      { dc: 0, key: 5, write: 0 },
      { dc: 1, key: 5 },
    ],
  })
  assert.deepEqual(boundsOf(atEnd, 'unknown_present'), [1, 1, 1])
  const later = { ...second, dc: 1, sentMs: 1200, ackedMs: 1202 }
  const read = { peer: 1, write: 0, missMs: 1030, closedMs: 1040 }
  assert.deepEqual(boundsOf(await analysed({ writes: [unknown, later], probes: [read] }), 'unknown_present'), [1, 1, 1])
  // The read may have shown the second write of the same DC.
  const ambiguous = await analysed({ writes: [unknown, { ...second, sentMs: 1020, ackedMs: 1022 }], probes: [read] })
  assert.deepEqual(boundsOf(ambiguous, 'unknown_present'), [0, 0, 1])
  const older = await analysed({
    writes: [first, { ...unknown, sentMs: 1100 }],
    finals: [
      { dc: 0, key: 5, write: 0 },
      { dc: 1, key: 5, write: 0 },
    ],
  })
  assert.deepEqual(boundsOf(older, 'unknown_present', { dc: 'us-east' }), [0, 0, 0])
  assert.equal(figureOf(older.metrics, 'unknown_present').n, 1)
})

const WORLD: CausalPlan = {
  seed: 0,
  dcs: 2,
  writes: 60,
  keys: 4,
  lengthMs: 600,
  lagMs: [20, 60],
  law: 'jittered',
  serviceMs: 4,
  ordered: false,
  vectors: false,
  unknown: 0,
  failed: 0.05,
  coalesced: 0.05,
  deleted: 0.2,
  probed: 1,
  readGapMs: 4,
  skewMs: 0,
}

function asRun({ causes, ...world }: CausalWorld, exact: boolean): PlantedRun {
  return { ...world, ...(exact ? { causes } : {}), measureMs: [0, 2000] }
}

test('an unknown write happened where a later one of another DC knew of it, though what it replaced was its own', async () => {
  const writes = [
    { dc: 0, key: 5, sentMs: 1000, outcome: OUTCOME.info },
    { dc: 1, key: 5, sentMs: 1010, ackedMs: 1012 },
    { dc: 1, key: 5, sentMs: 1100, ackedMs: 1102 },
  ]
  const finals = [0, 1].map((dc) => ({ dc, key: 5, write: 2 }))
  const present = async (known: number) => {
    const causes = [
      { write: 1, overwrote: -1, seen: [-1, -1] },
      { write: 2, overwrote: 1, seen: [known, -1] },
    ]
    return boundsOf(await analysed({ writes, finals, causes }), 'unknown_present')
  }
  assert.deepEqual(await present(0), [1, 1, 1])
  assert.deepEqual(await present(-1), [0, 0, 1])
})

test('in random worlds the unknown writes that happened are within the bounds, and more is known where causality is exact', async (t) => {
  t.diagnostic(`seeds ${FIRST_SEED} and ${WORLDS} on`)
  const sure = [0, 0]
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed++) {
    const plan = { ...WORLD, seed, dcs: 2 + (seed % 2), unknown: 0.2, vectors: seed % 3 === 0 }
    const world = makeCausalWorld(plan)
    const truth = world.writes.filter(({ outcome, stored }) => outcome === OUTCOME.info && stored).length
    for (const exact of [false, true]) {
      const [low, , high] = boundsOf(await analysed(asRun(world, exact)), 'unknown_present')
      assert.ok((low ?? 1e9) <= truth && truth <= (high ?? -1), `seed ${seed}: ${low} to ${high}, in truth ${truth}`)
      sure[Number(exact)] += low ?? 0
    }
  }
  assert.ok(sure[0] > 0 && sure[1] > sure[0], `${sure}`)
})

/** Clean probes whose write became visible after one that was sent later than it was acknowledged, by the true arrivals. */
function trulyReordered({ writes, arrivedMs, probes }: World): number {
  const knownAt = writes.map(({ dc, key }, write) =>
    Math.min(
      ...writes.flatMap((other, i) => (i >= write && other.dc === dc && other.key === key ? [arrivedMs[i]] : [])),
    ),
  )
  const hits = probes.filter(({ state }) => state === undefined || state === PROBE_STATE.hit)
  const clean = hits.map(({ write }) => write)
  // What a later write of the same key may have shown says nothing of the earlier one.
  const own = hits.filter(({ write: x, closedMs = 0 }) =>
    writes.every(
      ({ dc, key, sentMs }, i) => i <= x || dc !== writes[x].dc || key !== writes[x].key || sentMs > closedMs,
    ),
  )
  return own.filter(({ write: x }) =>
    clean.some(
      (y) => writes[y].dc === writes[x].dc && writes[y].sentMs >= writes[x].ackedMs && knownAt[y] < knownAt[x],
    ),
  ).length
}

test('writes seen out of order are counted within the bounds, and where rows keep their order none is', async (t) => {
  t.diagnostic(`seeds ${FIRST_SEED} and ${WORLDS} on`)
  let surely = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed++) {
    const ordered = seed % 4 === 0
    const world = makeWorld({
      seed,
      writes: 50,
      keys: 30,
      lengthMs: 2000,
      lagMs: [30, 90],
      serviceMs: 2,
      ordered,
      vectors: seed % 2 === 0,
      probeEvery: 1,
      readGapMs: 3,
    })
    const analysis = await analysed({ writes: world.writes, probes: world.probes })
    const [low, , high] = boundsOf(analysis, 'reordered')
    const truth = trulyReordered(world)
    assert.ok((low ?? 1e9) <= truth && truth <= (high ?? -1), `seed ${seed}: ${low} to ${high}, in truth ${truth}`)
    if (ordered) assert.equal(low, 0, `seed ${seed}`)
    surely += low ?? 0
  }
  assert.ok(surely > WORLDS, `${surely} surely reordered`)
})

test('a write that was overtaken is named by its link; one that was never seen is not out of order', async () => {
  const writes = [first, { ...second, key: 6 }, { ...second, key: 7, sentMs: 1200, ackedMs: 1202 }]
  const analysis = await analysed({
    writes,
    probes: [
      { peer: 1, write: 0, missMs: 1160, closedMs: 1162 },
      { peer: 1, write: 1, missMs: 1140, closedMs: 1150 },
      { peer: 1, write: 2, missMs: 1400, state: PROBE_STATE.open },
    ],
  })
  assert.deepEqual(boundsOf(analysis, 'reordered'), [1, 1, 1])
  assert.deepEqual(boundsOf(analysis, 'reordered', { dc: 'us-east', peer: 'eu-west' }), [1, 1, 1])
  assert.equal(valueOf(analysis, 'reordered', { dc: 'eu-west', peer: 'us-east' }), null)
  assert.equal(figureOf(analysis.metrics, 'reordered').n, 2)
})

test('a write that never arrived is not out of order when a later one of its key shows in its place', async () => {
  const again = { ...first, sentMs: 1300, ackedMs: 1302 }
  const analysis = await analysed({
    writes: [first, { ...second, key: 6 }, again],
    probes: [
      { peer: 1, write: 0, missMs: 1340, closedMs: 1350 },
      { peer: 1, write: 1, missMs: 1140, closedMs: 1150 },
      { peer: 1, write: 2, missMs: 1340, closedMs: 1350 },
    ],
  })
  assert.deepEqual(boundsOf(analysis, 'reordered'), [0, 0, 0])
  assert.equal(figureOf(analysis.metrics, 'reordered').n, 2)
})

test('a system that declares to keep the order is warned of rows that came late, and of rows that never came apart from them', async () => {
  const keeps: NonNullable<PlantedRun['facts']> = (facts) => ({
    ...facts,
    system: { ...facts.system, capabilities: { ...facts.system.capabilities, ordered: true } },
  })
  const writes = [first, { ...second, key: 6 }]
  const overtaken = { peer: 1, write: 0, missMs: 1160, closedMs: 1162 }
  const gone = { peer: 1, write: 0, missMs: 1160, state: PROBE_STATE.open }
  const later = { peer: 1, write: 1, missMs: 1140, closedMs: 1150 }
  const warned = async (probe: typeof overtaken | typeof gone) =>
    (await analysed({ writes, probes: [probe, later], facts: keeps })).verdict.warnings.join(' ')
  assert.match(await warned(overtaken), /reached eu-west out of the order/)
  assert.match(await warned(gone), /Some rows from us-east never showed in eu-west/)
  assert.doesNotMatch(await warned({ ...overtaken, missMs: 1120, closedMs: 1122 }), /order/)
})

/** Acknowledged stored writes that a concurrent one with a higher version beats, which had been acknowledged before they were sent. */
function trulyBeaten({ writes, past }: CausalWorld): number {
  const acknowledged = [...writes.entries()].filter(([, { outcome, stored }]) => outcome === OUTCOME.ok && stored)
  return acknowledged.filter(([x, one]) =>
    acknowledged.some(
      ([y, other]) =>
        other.key === one.key &&
        other.dc !== one.dc &&
        !past[x].has(y) &&
        !past[y].has(x) &&
        (other.version ?? 0) > (one.version ?? 0) &&
        (other.ackedMs ?? 1e9) <= one.sentMs,
    ),
  ).length
}

test('writes beaten by an earlier one are what skewed clocks do: counted within the bounds, exactly with vectors, and none with one clock', async (t) => {
  t.diagnostic(`seeds ${FIRST_SEED} and ${WORLDS} on`)
  let beaten = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed++) {
    const skewMs = seed % 3 === 0 ? 0 : 40
    const world = makeCausalWorld({ ...WORLD, seed, dcs: 2 + (seed % 3), keys: 2, skewMs, unknown: 0.05 })
    const truth = trulyBeaten(world)
    const bounds = boundsOf(await analysed(asRun(world, false)), 'beaten_by_earlier')
    const exactly = boundsOf(await analysed(asRun(world, true)), 'beaten_by_earlier')
    const told = `seed ${seed}: ${bounds}, exactly ${exactly}, in truth ${truth}`
    assert.ok((bounds[0] ?? 1e9) <= truth && truth <= (bounds[2] ?? -1), told)
    assert.equal(exactly[1], truth, told)
    if (skewMs === 0) assert.deepEqual(bounds, [0, 0, 0], told)
    beaten += truth
  }
  assert.ok(beaten > WORLDS, `${beaten} beaten`)
})

test('declined rows are counted apart: neither failed nor owed, and in no second’s offer', async () => {
  const declined = { ...second, outcome: OUTCOME.fail, declined: true }
  const analysis = await analysed({
    writes: [first, declined, { ...declined, key: 6 }],
    facts: (facts) => ({
      ...facts,
      scenario: { ...facts.scenario, takesTurns: true },
      counters: { conflictsReported: { count: 7, meaning: 'Rows that came late.' }, own: {} },
    }),
  })
  assert.equal(valueOf(analysis, 'declined'), 2)
  assert.equal(valueOf(analysis, 'declined', { dc: 'us-east' }), 2)
  assert.equal(valueOf(analysis, 'failed'), 0)
  const owed = analysis.audit.find(({ name }) => name === 'offered but not acknowledged in time')
  assert.deepEqual([owed?.value, owed?.result], [0, 'within'])
  const [header, line] = analysis.intervals.split('\n').map((text) => text.split(','))
  assert.deepEqual([line[header.indexOf('offered')], line[header.indexOf('declined')]], ['1', '2'])
  assert.match(
    analysis.notes.join(' '),
    /Rows that came late\. The DCs take turns .* 2 rows were declined.*says 7 all the same/,
  )
})

test('an unknown row that was replaced in its batch counts as unknown, but not among what a store was asked for', async () => {
  const unknown = { dc: 0, key: 6, sentMs: 1000, outcome: OUTCOME.info }
  const analysis = await analysed({ writes: [{ ...unknown, coalesced: true }, unknown, second] })
  assert.deepEqual(boundsOf(analysis, 'unknown'), [1, 2, 2])
  assert.equal(figureOf(analysis.metrics, 'unknown_present').n, 1)
})

test('what a store planted stands beside what was found', async () => {
  const fault = { name: 'mix', meaning: 'Mixed rows.', rows: 3, standing: 1, metric: 'mixed_rows' }
  const analysis = await analysed({
    writes: [first],
    finals: [
      { dc: 0, key: 5, write: 0, state: FINAL_STATE.mixed },
      { dc: 1, key: 5, write: 0 },
    ],
    facts: (facts) => ({ ...facts, counters: { conflictsReported: null, own: {}, planted: [fault] } }),
  })
  assert.deepEqual(analysis.planted, [{ ...fault, found: { value: 1, low: null, high: null, n: null } }])
})
