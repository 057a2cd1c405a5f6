// How often the bounds hold the truth where only a sample of the writes is probed and nothing is known of the order of arrival.
// GEOWRITE_COVERAGE=<worlds> looks at as many of each kind and prints the table of docs/measures.md.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf } from '../contract/analysis.ts'
import { OUTCOME } from '../contract/outcome.ts'
import type { Topology } from '../contract/topology.ts'
import { trueConflicts } from './causal-oracle.fixture.ts'
import { makeCausalWorld, type CausalPlan, type LagLaw } from './causal-world.fixture.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const LONG = process.env['GEOWRITE_COVERAGE']
const WORLDS = Number(LONG ?? 4)
const LAWS: readonly LagLaw[] = ['constant', 'jittered', 'heavy tail', 'drifting']
const SHARES = LONG === undefined ? [0.05] : [0.02, 0.05, 0.2]
const FIRST_SEED = 20261124

const PLAN: Omit<CausalPlan, 'seed' | 'law' | 'probed'> = {
  dcs: 2,
  writes: 1500,
  keys: 80,
  lengthMs: 3000,
  lagMs: [30, 50],
  serviceMs: 1.5,
  ordered: false,
  vectors: false,
  unknown: 0,
  failed: 0,
  coalesced: 0,
  deleted: 0.05,
  readGapMs: 2,
  skewMs: 0,
}

/** Every law's lags are above this. */
const TOPOLOGY: Topology = {
  dcs: [
    { name: 'dc0', index: 0 },
    { name: 'dc1', index: 1 },
  ],
  links: [
    { from: 'dc0', to: 'dc1', delayMs: 24, jitterMs: 0 },
    { from: 'dc1', to: 'dc0', delayMs: 24, jitterMs: 0 },
  ],
}

interface Coverage {
  held: number
  worlds: number
  /** Sum of (high − low) ÷ truth. */
  width: number
  /** Sum of |value ÷ truth − 1|. */
  error: number
}

async function look(plan: CausalPlan, coverage: Coverage): Promise<void> {
  using folder = scratchFolder()
  const { causes: _, ...world } = makeCausalWorld(plan)
  const stored = world.writes.filter(({ outcome }) => outcome === OUTCOME.ok).length
  const truth = trueConflicts({ ...world, causes: [] }).inConflict
  plant(folder.path, {
    ...world,
    measureMs: [0, plan.lengthMs],
    facts: (facts) => ({ ...facts, scenario: { ...facts.scenario, topology: TOPOLOGY, probesPerSecond: 400 } }),
  })
  const { metrics, conflictBasis } = await analyseRun(folder.path)
  assert.equal(conflictBasis, 'estimated')
  const share = figureOf(metrics, 'conflict_share')
  const [low, value, high] = [share.low, share.value, share.high].map((part) =>
    Math.round((part ?? Number.NaN) * stored),
  )
  coverage.worlds++
  if (low <= truth && truth <= high) coverage.held++
  coverage.width += (high - low) / truth
  coverage.error += Math.abs(value / truth - 1)
}

test('where a sample of the writes is probed, the estimated bounds hold the truth at least 95 times in 100', async (t) => {
  t.diagnostic(`seeds from ${FIRST_SEED}, ${WORLDS} worlds a line`)
  const all: Coverage = { held: 0, worlds: 0, width: 0, error: 0 }
  for (const law of LAWS) {
    for (const probed of SHARES) {
      const own: Coverage = { held: 0, worlds: 0, width: 0, error: 0 }
      for (let world = 0; world < WORLDS; world++) {
        await look({ ...PLAN, law, probed, seed: FIRST_SEED + all.worlds + world }, own)
      }
      all.held += own.held
      all.worlds += own.worlds
      const percent = (part: number) => `${((part / own.worlds) * 100).toFixed(1)} %`
      t.diagnostic(
        `| ${law} | ${probed * 100} % | ${percent(own.held)} | ${percent(own.width)} | ${percent(own.error)} |`,
      )
      if (LONG !== undefined) assert.ok(own.held >= own.worlds * 0.95, `${law}, ${probed}`)
    }
  }
  assert.ok(all.held >= all.worlds * 0.95, `${all.held} of ${all.worlds}`)
})
