// Conflict counts against pairs worked out by hand, against an oracle that looks at every pair, and against the formula.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { OUTCOME } from '../contract/outcome.ts'
import type { Capabilities } from '../contract/driver.ts'
import type { RunFacts } from '../contract/run-folder.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'
import { makeWorld, oracle, type WorldPlan } from './world.fixture.ts'

const capable =
  (change: Partial<Capabilities>) =>
  (facts: RunFacts): RunFacts => ({
    ...facts,
    system: { ...facts.system, capabilities: { ...facts.system.capabilities, ...change } },
  })

async function analysed(run: PlantedRun, partitions = 1): Promise<{ analysis: RunAnalysis; conflictLines: string[] }> {
  using folder = scratchFolder()
  plant(folder.path, run)
  const analysis = await analyseRun(folder.path, { partitions })
  const lines = readFileSync(join(folder.path, 'conflicts.csv'), 'utf8').trim().split('\n')
  return { analysis, conflictLines: lines.slice(1) }
}

/** Pairs and rows as [surely, about, possibly], back from rates and shares. */
function counts({ metrics, measuredSeconds }: RunAnalysis, stored: number) {
  const share = figureOf(metrics, 'conflict_share')
  const pairs = figureOf(metrics, 'conflict_pairs')
  const discarded = figureOf(metrics, 'discarded')
  const times = ({ low, value, high }: typeof share, by: number) =>
    [low, value, high].map((part) => (part === null ? null : Math.round(part * by)))
  return { pairs: times(pairs, measuredSeconds), rows: times(share, stored), discarded: times(discarded, 1) }
}

test('two writes that crossed on the way are surely in conflict', async () => {
  const { analysis, conflictLines } = await analysed({
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
      { dc: 1, key: 1, sentMs: 1010, ackedMs: 1012 },
    ],
    probes: [
      { peer: 1, write: 0, missMs: 1039, closedMs: 1041 },
      { peer: 0, write: 1, missMs: 1049, closedMs: 1051 },
    ],
  })
  assert.deepEqual(counts(analysis, 2), { pairs: [1, 1, 1], rows: [2, 2, 2], discarded: [1, 1, 1] })
  assert.equal(analysis.conflictBasis, 'probed')
  assert.equal(conflictLines.length, 1)
  assert.match(conflictLines[0], /^1,us-east,\d+,\d+,1\.000000,1\.002000,eu-west,\d+,\d+,1\.010000,1\.012000,1,1,$/)
})

test('a write sent after the other had been seen is in no conflict', async () => {
  const { analysis, conflictLines } = await analysed({
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
      { dc: 1, key: 1, sentMs: 1060, ackedMs: 1062 },
    ],
    probes: [
      { peer: 1, write: 0, missMs: 1039, closedMs: 1041 },
      { peer: 0, write: 1, missMs: 1099, closedMs: 1101 },
    ],
  })
  assert.deepEqual(counts(analysis, 2), { pairs: [0, 0, 0], rows: [0, 0, 0], discarded: [0, 0, 0] })
  assert.deepEqual(conflictLines, [])
})

test('a write within the other’s bracket is only possibly in conflict', async () => {
  const { analysis } = await analysed({
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
      { dc: 1, key: 1, sentMs: 1041, ackedMs: 1043 },
    ],
    probes: [
      { peer: 1, write: 0, missMs: 1038, closedMs: 1044 },
      { peer: 0, write: 1, missMs: 1080, closedMs: 1082 },
    ],
  })
  const { pairs, rows } = counts(analysis, 2)
  assert.deepEqual([pairs[0], pairs[2]], [0, 1])
  assert.deepEqual([rows[0], rows[2]], [0, 2])
})

test('an unknown write counts in the upper bound alone, refused and replaced ones in none', async () => {
  const crossing = { key: 1, sentMs: 1010, ackedMs: 1012 }
  const run = (other: Partial<PlantedRun['writes'][number]>): PlantedRun => ({
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
      { dc: 1, ...crossing, ...other },
    ],
    probes: [{ peer: 1, write: 0, missMs: 1039, closedMs: 1041 }],
  })
  const unknown = counts((await analysed(run({ outcome: OUTCOME.info }))).analysis, 1)
  assert.deepEqual(unknown, { pairs: [0, 0, 1], rows: [0, 0, 1], discarded: [0, 0, 1] })
  // The store may have raised its version above that of the acknowledged one.
  const early = counts((await analysed(run({ outcome: OUTCOME.info, sentMs: 900 }))).analysis, 1)
  assert.deepEqual(early.discarded, [0, 0, 1])
  for (const change of [{ outcome: OUTCOME.fail }, { coalesced: true }]) {
    assert.deepEqual(counts((await analysed(run(change))).analysis, 1).pairs, [0, 0, 0])
  }
})

test('writes that no probe saw take the lags of the clean probes of their second, and the figure is estimated', async () => {
  const clean = Array.from({ length: 6 }, (_, i) => ({
    dc: i % 2,
    key: 100 + i,
    sentMs: 1100 + i * 10,
    ackedMs: 1102 + i * 10,
  }))
  const more = clean.map((write) => ({ ...write, key: write.key + 50, dc: 1 - write.dc }))
  const probed = [...clean, ...more]
  const probes = probed.map(({ dc, ackedMs }, write) => ({
    peer: 1 - dc,
    write,
    missMs: ackedMs + 37,
    closedMs: ackedMs + 39,
  }))
  const { analysis } = await analysed({
    writes: [
      ...probed,
      { dc: 0, key: 1, sentMs: 1500, ackedMs: 1502 },
      { dc: 1, key: 1, sentMs: 1510, ackedMs: 1512 },
      // 45 ms after the acknowledgement of the first, when all lags are below 39.
      { dc: 0, key: 2, sentMs: 1700, ackedMs: 1702 },
      { dc: 1, key: 2, sentMs: 1747, ackedMs: 1749 },
    ],
    probes,
  })
  assert.equal(analysis.conflictBasis, 'estimated')
  assert.deepEqual(counts(analysis, 16).pairs, [1, 1, 1])
})

test('without probes nothing is surely in conflict and the share is n/a', async () => {
  const { analysis } = await analysed({
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
      { dc: 1, key: 1, sentMs: 1010, ackedMs: 1012 },
    ],
    probes: [],
  })
  assert.equal(analysis.conflictBasis, 'unknown')
  const share = figureOf(analysis.metrics, 'conflict_share')
  assert.deepEqual([share.low, share.value, share.high], [0, null, 1])
  assert.equal(figureOf(analysis.metrics, 'conflict_share_predicted').value, null)
})

test('an overshadowed write keeps what its misses prove', async () => {
  const { analysis } = await analysed({
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
      { dc: 1, key: 1, sentMs: 1010, ackedMs: 1012 },
    ],
    probes: [
      { peer: 1, write: 0, missMs: 1013, closedMs: 1016, state: PROBE_STATE.overshadowed },
      { peer: 0, write: 1, missMs: 1049, closedMs: 1051 },
    ],
  })
  assert.deepEqual(counts(analysis, 2).pairs.slice(0, 1), [1])
  assert.equal(figureOf(analysis.metrics, 'overshadowed').value, 1)
})

const withDelay =
  (delayMs: number) =>
  (facts: RunFacts): RunFacts => {
    const { topology } = facts.scenario
    const links = topology.links.map((link) => ({ ...link, delayMs }))
    return { ...facts, scenario: { ...facts.scenario, topology: { ...topology, links } } }
  }

/** Two writes of key 1 that cross on the way, and one of either DC that its probe sees. */
const CROSSING: PlantedRun['writes'] = [
  { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
  { dc: 1, key: 1, sentMs: 1010, ackedMs: 1012 },
  { dc: 0, key: 2, sentMs: 1200, ackedMs: 1202 },
  { dc: 1, key: 3, sentMs: 1200, ackedMs: 1202 },
]

test('what no link can have carried yet was not known, though each write hid the other from its probe', async () => {
  const crossing: PlantedRun = {
    writes: CROSSING,
    probes: [
      { peer: 1, write: 0, missMs: 1008, closedMs: 1039, state: PROBE_STATE.overshadowed },
      { peer: 0, write: 1, missMs: 1048, closedMs: 1051 },
      { peer: 1, write: 2, missMs: 1240, closedMs: 1243 },
      { peer: 0, write: 3, missMs: 1240, closedMs: 1243 },
    ],
  }
  const unbounded = counts((await analysed(crossing)).analysis, 4)
  assert.deepEqual([unbounded.pairs[0], unbounded.pairs[2]], [0, 1])
  assert.deepEqual(counts((await analysed({ ...crossing, facts: withDelay(40) })).analysis, 4).pairs, [1, 1, 1])
  // 11 ms after its send the first write may be there: the second was acknowledged 12 ms after it.
  assert.equal(counts((await analysed({ ...crossing, facts: withDelay(11) })).analysis, 4).pairs[0], 0)
})

test('a write that was seen sooner than its link carries anything is warned of, and the link’s delay proves nothing', async () => {
  const run: PlantedRun = {
    writes: CROSSING,
    probes: [
      { peer: 1, write: 0, missMs: 1008, closedMs: 1039, state: PROBE_STATE.overshadowed },
      { peer: 0, write: 1, missMs: 1048, closedMs: 1051 },
      { peer: 1, write: 2, missMs: 1220, closedMs: 1239 },
      { peer: 0, write: 3, missMs: 1240, closedMs: 1243 },
    ],
    facts: withDelay(40),
  }
  const { analysis } = await analysed(run)
  assert.equal(counts(analysis, 4).pairs[0], 0)
  assert.match(analysis.verdict.warnings.join(), /us-east was seen in eu-west sooner .* than the links carry anything/)
})

test('a write that a third DC’s write told of before its own row came is in no conflict with what was written then', async () => {
  const run = (third: boolean): PlantedRun => ({
    dcs: ['a', 'b', 'c'],
    writes: [
      { dc: 0, key: 9, sentMs: 1000, ackedMs: 1001 },
      { dc: 0, key: 5, sentMs: 1002, ackedMs: 1003 },
      { dc: 0, key: 9, sentMs: 1010, ackedMs: 1011 },
      { dc: 1, key: 5, sentMs: 1030, ackedMs: 1031 },
      ...(third ? [{ dc: 2, key: 5, sentMs: 1015, ackedMs: 1016 }] : []),
    ],
    probes: [
      // Rows of a take 100 ms to b, and keep their order.
      { peer: 1, write: 0, missMs: 1098, closedMs: 1101 },
      { peer: 1, write: 2, missMs: 1108, closedMs: 1111 },
      { peer: 1, write: 1, missMs: 1020, closedMs: 1026, state: PROBE_STATE.overshadowed },
      { peer: 2, write: 1, missMs: 1011, closedMs: 1013 },
      { peer: 0, write: 3, missMs: 1128, closedMs: 1131 },
      { peer: 2, write: 3, missMs: 1040, closedMs: 1042 },
      ...(third
        ? [
            { peer: 0, write: 4, missMs: 1024, closedMs: 1027 },
            { peer: 1, write: 4, missMs: 1022, closedMs: 1025 },
          ]
        : []),
    ],
    facts: capable({ ordered: true }),
  })
  assert.deepEqual(counts((await analysed(run(true))).analysis, 5).pairs, [0, 0, 0])
  assert.deepEqual(counts((await analysed(run(false))).analysis, 4).pairs, [1, 1, 1])
})

test('partners from before the measured phase do not count', async () => {
  const { analysis } = await analysed({
    measureMs: [1005, 2005],
    writes: [
      { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002, phase: 'warmup' },
      { dc: 1, key: 1, sentMs: 1010, ackedMs: 1012 },
    ],
    probes: [
      { peer: 1, write: 0, missMs: 1039, closedMs: 1041 },
      { peer: 0, write: 1, missMs: 1049, closedMs: 1051 },
    ],
  })
  assert.deepEqual(counts(analysis, 1).pairs, [0, 0, 0])
})

test('a system that compares nothing discards both writes of a pair, one that merges neither', async () => {
  const writes = [
    { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 },
    { dc: 1, key: 1, sentMs: 1010, ackedMs: 1012 },
  ]
  const probes = [
    { peer: 1, write: 0, missMs: 1039, closedMs: 1041 },
    { peer: 0, write: 1, missMs: 1049, closedMs: 1051 },
  ]
  const of = async (conflicts: Capabilities['conflicts']) =>
    figureOf((await analysed({ writes, probes, facts: capable({ conflicts }) })).analysis.metrics, 'discarded').value
  assert.equal(await of('diverges'), 2)
  assert.equal(await of('merge'), null)
})

const BASE: Omit<WorldPlan, 'seed' | 'ordered' | 'vectors'> = {
  writes: 60,
  keys: 4,
  lengthMs: 2000,
  lagMs: [20, 90],
  serviceMs: 8,
  probeEvery: 1,
  readGapMs: 6,
}

async function boundsHoldTheTruth(plan: WorldPlan, bases: readonly string[]): Promise<void> {
  const world = makeWorld(plan)
  const truth = oracle(world)
  const { analysis } = await analysed(
    { ...world, measureMs: [0, plan.lengthMs], facts: capable({ ordered: plan.ordered }) },
    1 + (plan.seed % 3),
  )
  const found = counts(analysis, world.writes.length)
  const message = `seed ${plan.seed}: ${JSON.stringify({ truth, found })}`
  const holds = (bounds: (number | null)[], value: number) => (bounds[0] ?? 0) <= value && value <= (bounds[2] ?? 0)
  assert.ok(holds(found.pairs, truth.pairs), message)
  assert.ok(holds(found.rows, truth.inConflict), message)
  assert.ok(holds(found.discarded, truth.discarded), message)
  assert.ok(bases.includes(analysis.conflictBasis), message)
}

test('with every write probed and vectors to read, the true count is within the bounds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1e6 }), async (seed) => {
      await boundsHoldTheTruth({ ...BASE, seed, ordered: false, vectors: true }, ['probed'])
    }),
    { numRuns: 60, verbose: 1 },
  )
})

test('with rows that arrive in order, the true count is within the bounds even where writes overshadow each other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1e6 }), async (seed) => {
      await boundsHoldTheTruth({ ...BASE, seed, ordered: true, vectors: false }, ['ordered', 'probed'])
      await boundsHoldTheTruth({ ...BASE, seed, ordered: true, vectors: false, probeEvery: 3 }, ['ordered', 'probed'])
    }),
    { numRuns: 40, verbose: 1 },
  )
})

test('independent writers conflict as often as predicted, and as often as the oracle says', async () => {
  const plan = {
    ...BASE,
    seed: 7,
    writes: 6000,
    keys: 150,
    lengthMs: 20_000,
    lagMs: [40, 46] as const,
    serviceMs: 3,
    ordered: false,
    vectors: false,
    probeEvery: 4,
    readGapMs: 2,
  }
  const world = makeWorld(plan)
  const truth = oracle(world).inConflict / world.writes.length
  const { analysis } = await analysed({ ...world, measureMs: [0, plan.lengthMs] }, 2)
  const share = figureOf(analysis.metrics, 'conflict_share').value ?? 0
  const predicted = figureOf(analysis.metrics, 'conflict_share_predicted').value ?? 0
  const error = figureOf(analysis.metrics, 'conflict_share_sampling_error').value ?? 1
  const seen = `seed ${plan.seed}: truth ${truth}, measured ${share}, predicted ${predicted} ± ${error}`
  assert.ok(truth > 0.05, seen)
  assert.ok(Math.abs(share / truth - 1) < 0.025, seen)
  assert.ok(Math.abs(share - predicted) < error, seen)
  assert.deepEqual(
    analysis.verdict.warnings.filter((warning) => warning.includes('independent')),
    [],
  )
})
