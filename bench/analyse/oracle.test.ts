// Conflicts and lost updates of random worlds against a brute-force oracle. GEOWRITE_ORACLE=<cases> looks at more of them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { OUTCOME } from '../contract/outcome.ts'
import type { Topology } from '../contract/topology.ts'
import { randomStream } from '../lib/random.ts'
import { trueConflicts, trueLosses } from './causal-oracle.fixture.ts'
import { makeCausalWorld, type CausalPlan, type CausalWorld } from './causal-world.fixture.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const CASES = Number(process.env['GEOWRITE_ORACLE'] ?? 150)
const FIRST_SEED = 20261124

/** A random small world with every write probed. */
function planOf(seed: number): CausalPlan {
  const random = randomStream(seed, 5)
  const pick = <T>(values: readonly T[]): T => values[random.uint32() % values.length]
  return {
    seed,
    dcs: pick([2, 2, 3, 4]),
    writes: pick([12, 40, 90]),
    keys: pick([1, 2, 6]),
    lengthMs: pick([300, 1500]),
    lagMs: pick([
      [20, 25],
      [5, 90],
      [1, 40],
    ] as const),
    law: pick(['constant', 'jittered', 'heavy tail', 'drifting']),
    serviceMs: pick([0.5, 8, 40]),
    ordered: random.unit() < 0.5,
    vectors: random.unit() < 0.3,
    unknown: pick([0, 0.15]),
    failed: pick([0, 0.1]),
    coalesced: pick([0, 0.1]),
    deleted: pick([0, 0.2]),
    probed: 1,
    readGapMs: pick([1, 6, 20]),
    skewMs: pick([0, 0, 30]),
  }
}

/** One line of conflicts.csv; `name` as in the truth. */
interface ListedPair {
  readonly name: string
  readonly sure: boolean
  readonly exact: string
}

/** In every second world the links are known to take what even the fastest row takes. */
function withDelays(topology: Topology, { seed, law, lagMs }: CausalPlan): Topology {
  const delayMs = seed % 2 === 0 ? 0 : lagMs[0] * (law === 'jittered' ? 0.8 : 1)
  return { ...topology, links: topology.links.map((link) => ({ ...link, delayMs })) }
}

async function analysed(
  world: CausalWorld,
  plan: CausalPlan,
  exact: boolean,
): Promise<RunAnalysis & { readonly listed: readonly ListedPair[] }> {
  using folder = scratchFolder()
  const { causes, ...run } = world
  const dots = plant(folder.path, {
    ...run,
    ...(exact ? { causes } : {}),
    measureMs: [0, plan.lengthMs],
    workers: 1 + (plan.seed % 3),
    facts: (facts) => ({
      ...facts,
      system: { ...facts.system, capabilities: { ...facts.system.capabilities, ordered: plan.ordered } },
      scenario: {
        ...facts.scenario,
        topology: withDelays(facts.scenario.topology, plan),
        probesPerSecond: plan.probed === 1 ? 'all' : 400,
      },
    }),
  })
  const analysis = await analyseRun(folder.path, { partitions: 1 + (plan.seed % 2) * 2 })
  const place = new Map(dots.map(({ dot }, write) => [String(dot), write]))
  const lines = readFileSync(join(folder.path, 'conflicts.csv'), 'utf8').trim().split('\n').slice(1)
  const listed = lines.map((line) => {
    const cells = line.split(',')
    return { name: `${place.get(cells[2])} ${place.get(cells[7])}`, sure: cells[11] === '1', exact: cells[13] }
  })
  return { ...analysis, listed }
}

const NAMES = ['pairs', 'inConflict', 'keys', 'discarded'] as const
type Found = Record<(typeof NAMES)[number], readonly [low: number | null, value: number | null, high: number | null]>

/** Counts back from rates and shares. */
function foundIn({ metrics, measuredSeconds }: RunAnalysis, stored: number): Found {
  const of = (metric: string, by: number): Found['pairs'] => {
    const { low, value, high } = figureOf(metrics, metric)
    const times = (part: number | null) => (part === null ? null : Math.round(part * by))
    return [times(low), times(value), times(high)]
  }
  return {
    pairs: of('conflict_pairs', measuredSeconds),
    inConflict: of('conflict_share', stored),
    keys: of('conflict_keys', measuredSeconds),
    discarded: of('discarded', 1),
  }
}

test(`in ${CASES} random worlds with every write probed, the truth is within the bounds, and the exact count is the truth`, async (t) => {
  t.diagnostic(`seeds ${FIRST_SEED} to ${FIRST_SEED + CASES - 1}`)
  const bases = new Map<string, number>()
  let overshadowed = 0
  let conflicts = 0
  let unclear = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) {
    const plan = planOf(seed)
    const world = makeCausalWorld(plan)
    const stored = world.writes.filter(({ outcome, coalesced }) => outcome === OUTCOME.ok && coalesced !== true).length
    if (stored === 0) continue
    const [truth, all] = [trueConflicts(world), trueConflicts(world, true)]
    const bounded = await analysed(world, plan, false)
    const exact = await analysed(world, plan, true)
    const [bounds, exactly] = [foundIn(bounded, stored), foundIn(exact, stored)]
    const seen = JSON.stringify({ plan, bounds, exactly, basis: bounded.conflictBasis })
    assert.ok(['probed', 'ordered'].includes(bounded.conflictBasis), seen)
    assert.equal(exact.conflictBasis, 'exact', seen)
    for (const name of NAMES) {
      assert.ok((bounds[name][0] ?? 0) <= truth[name], `${name} low ${seen}`)
      assert.ok((bounds[name][2] ?? 0) >= all[name], `${name} high ${seen}`)
      assert.equal(exactly[name][1], truth[name], `${name} exact ${seen}`)
      assert.deepEqual([exactly[name][0], exactly[name][2]], [bounds[name][0], bounds[name][2]], seen)
    }
    assert.deepEqual(
      exact.verdict.warnings.filter((text) => text.includes('vectors')),
      [],
      seen,
    )
    // Pair by pair, by what conflicts.csv lists: sure ones are true, true ones are listed, and vectors know which.
    assert.ok((bounds.pairs[2] ?? 0) < 10_000, 'all pairs are listed')
    const possible = new Set(exact.listed.map(({ name }) => name))
    for (const name of all.names) assert.ok(possible.has(name), `${name} ${seen}`)
    for (const { name, sure, exact: byVectors } of exact.listed) {
      assert.ok(!sure || truth.names.has(name), `${name} is no conflict ${seen}`)
      if (byVectors !== '') assert.equal(byVectors === '1', truth.names.has(name), `${name} ${seen}`)
    }
    const { lost, clear } = trueLosses(world)
    const losses = figureOf(exact.metrics, 'lost_updates')
    if (clear) assert.deepEqual([losses.low, losses.value, losses.high], [lost, lost, lost], seen)
    else {
      unclear++
      assert.ok(
        (losses.low ?? 0) <= lost && lost <= (losses.high ?? 0),
        `lost ${lost} ${JSON.stringify(losses)} ${seen}`,
      )
    }
    bases.set(bounded.conflictBasis, (bases.get(bounded.conflictBasis) ?? 0) + 1)
    overshadowed += figureOf(bounded.metrics, 'overshadowed').value ?? 0
    conflicts += truth.pairs
  }
  t.diagnostic(
    `${conflicts} pairs, ${overshadowed} probes overshadowed, ${JSON.stringify([...bases])}, ${unclear} unclear`,
  )
  assert.ok(conflicts > CASES && overshadowed > CASES, 'the worlds must be worth looking at')
})
