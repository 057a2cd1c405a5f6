// Mixed rows beside lost writes and divergence, planted: every copy of a row is of one class, and who won is asked in the store's order.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { OPERATION } from '../contract/table.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { RUN_FILES, type RunFacts } from '../contract/run-folder.ts'
import { loadedDot, LOADED_VERSION } from '../lib/dot.ts'
import { FINAL_STATE } from '../lib/ledger-format.ts'
import { plant, scratchFolder, type PlantedFinal, type PlantedRun, type PlantedWrite } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const KEY = 5
const older = { dc: 0, key: KEY, sentMs: 1000, ackedMs: 1002 }
const newer = { dc: 1, key: KEY, sentMs: 1100, ackedMs: 1102 }
const writes = [older, newer]
/** What both DCs hold of the key. */
const inBoth = (held: Omit<PlantedFinal, 'dc' | 'key'>): PlantedFinal[] =>
  [0, 1].map((dc) => ({ dc, key: KEY, ...held }))

async function analysed(run: PlantedRun): Promise<RunAnalysis & { readonly divergence: string }> {
  using folder = scratchFolder()
  plant(folder.path, run)
  const analysis = await analyseRun(folder.path)
  return { ...analysis, divergence: readFileSync(join(folder.path, RUN_FILES.divergence), 'utf8') }
}

const valueOf = ({ metrics }: RunAnalysis, metric: string, at = {}) => figureOf(metrics, metric, at).value
const classes = (analysis: RunAnalysis) =>
  ['mixed_rows', 'lost_writes', 'resurrected_rows'].map((metric) => valueOf(analysis, metric))
const withStore =
  (blindWrites: boolean, ownOrder?: string) =>
  (facts: RunFacts): RunFacts => ({
    ...facts,
    system: {
      ...facts.system,
      capabilities: { ...facts.system.capabilities, ...(blindWrites ? { blindWrites: true as const } : {}) },
      store: { version: '1', durability: 'none', settings: {}, ...(ownOrder === undefined ? {} : { ownOrder }) },
    },
  })

test('the whole content and dot of one write under the version of another is a mixed row, and no lost write', async () => {
  for (const [write, versionOf] of [
    [0, 1],
    [1, 0],
  ]) {
    const analysis = await analysed({ writes, finals: inBoth({ write, versionOf }) })
    assert.deepEqual(classes(analysis), [1, 0, 0], `dot of ${write}, version of ${versionOf}`)
    assert.equal(valueOf(analysis, 'mixed_rows', { peer: 'eu-west' }), 1)
  }
  assert.deepEqual(classes(await analysed({ writes, finals: inBoth({ write: 1 }) })), [0, 0, 0])
})

test('a loaded row has the version of loading, or it is mixed', async () => {
  const loaded: PlantedWrite = { ...older, dot: loadedDot(KEY), version: LOADED_VERSION, outcome: OUTCOME.fail }
  const refused = { ...newer, outcome: OUTCOME.fail }
  const mixed = async (versionOf: number) =>
    valueOf(await analysed({ writes: [loaded, refused, newer], finals: inBoth({ write: 0, versionOf }) }), 'mixed_rows')
  assert.equal(await mixed(0), 0)
  assert.equal(await mixed(1), 1)
})

test('a write without an outcome may have been raised, but not in a store that raises nothing, and never lowered', async () => {
  const unknown = { dc: 0, key: KEY, sentMs: 1000, outcome: OUTCOME.info }
  const mixed = async (written: readonly PlantedWrite[], write: number, blindWrites: boolean) =>
    valueOf(
      await analysed({
        writes: written,
        finals: inBoth({ write, versionOf: 1 - write }),
        facts: withStore(blindWrites),
      }),
      'mixed_rows',
    )
  assert.equal(await mixed([unknown, newer], 0, false), 0)
  assert.equal(await mixed([unknown, newer], 0, true), 1)
  assert.equal(await mixed([older, { ...unknown, dc: 1, sentMs: 1100 }], 1, false), 1)
})

test('a mixed copy is no stale, missing or resurrected one besides; another copy of the row may be', async () => {
  const mixed = { state: FINAL_STATE.mixed }
  assert.deepEqual(classes(await analysed({ writes, finals: inBoth({ write: 0, ...mixed }) })), [1, 0, 0])
  const deleting = [older, { ...newer, operation: OPERATION.delete }]
  assert.deepEqual(classes(await analysed({ writes: deleting, finals: inBoth({ write: 0, versionOf: 1 }) })), [1, 0, 0])
  const both = await analysed({
    writes,
    finals: [
      { dc: 0, key: KEY, write: 1, ...mixed },
      { dc: 1, key: KEY, write: 0 },
    ],
  })
  assert.deepEqual(classes(both), [1, 1, 0])
  assert.equal(valueOf(both, 'mixed_rows', { peer: 'us-east' }), 1)
  assert.equal(valueOf(both, 'mixed_rows', { peer: 'eu-west' }), 0)
  assert.equal(valueOf(both, 'lost_writes', { peer: 'us-east' }), 0)
  assert.equal(valueOf(both, 'lost_writes', { peer: 'eu-west' }), 1)
  assert.equal(valueOf(both, 'lost_writes_everywhere'), 0)
})

test('a divergent copy that is mixed by its version is called mixed, and neither stale nor twin', async () => {
  const finals = [
    { dc: 0, key: KEY, write: 1, versionOf: 0 },
    { dc: 1, key: KEY, write: 1 },
  ]
  using folder = scratchFolder()
  const [first, second] = plant(folder.path, { writes, finals })
  const analysis = await analysed({
    writes,
    finals,
    facts: (facts) => ({
      ...facts,
      divergent: {
        total: 1,
        rows: [
          {
            key: KEY,
            dcs: [
              { dc: 'us-east', dot: second.dot, version: first.version, whole: true },
              { dc: 'eu-west', ...second, whole: true },
            ],
          },
        ],
      },
    }),
  })
  assert.deepEqual(
    analysis.divergence.split('\n').map((line) => line.split(',').slice(1, 3).join(' ')),
    ['dc class', 'us-east mixed', 'eu-west latest', ''],
  )
})

const OWN = 'the clock of the server orders a write'

test('where the store has an order of its own, a lower version that stands is a loss only if it was acknowledged before', async () => {
  const lost = async (run: PlantedRun, ownOrder?: string) =>
    valueOf(await analysed({ ...run, facts: withStore(true, ownOrder) }), 'lost_writes')
  // Sent while the other was under way: the store may have put either above the other.
  const meanwhile = [{ ...older, ackedMs: 1110 }, newer]
  const versions = meanwhile.map((write, i) => ({ ...write, version: 16_000 * (i + 1) + i }))
  assert.equal(await lost({ writes: versions, finals: inBoth({ write: 0 }) }), 1)
  assert.equal(await lost({ writes: versions, finals: inBoth({ write: 0 }) }, OWN), 0)
  assert.equal(await lost({ writes, finals: inBoth({ write: 0 }) }, OWN), 1)
  assert.equal(await lost({ writes, finals: inBoth({ write: 1 }) }, OWN), 0)
  assert.equal(await lost({ writes, finals: inBoth({}) }, OWN), 1)
  const unknown = [{ ...older, ackedMs: undefined, outcome: OUTCOME.info }, newer] as PlantedWrite[]
  assert.equal(await lost({ writes: unknown, finals: inBoth({ write: 0 }) }, OWN), 0)
  // An absent row is what a delete that may have come last asked for.
  const deleting = (at: number) =>
    meanwhile.map((write, i) => (i === at ? { ...write, operation: OPERATION.delete } : write))
  assert.equal(await lost({ writes: deleting(0), finals: inBoth({}) }, OWN), 0)
  assert.equal(await lost({ writes: [{ ...older, operation: OPERATION.delete }, newer], finals: inBoth({}) }, OWN), 1)
})

test('a run of a store with an order of its own says which figures mean less', async () => {
  const warnings = async (ownOrder?: string) =>
    (await analysed({ writes, facts: withStore(true, ownOrder) })).verdict.warnings.join(' ')
  assert.match(await warnings(OWN), /Versions do not decide .*: the clock of the server orders a write\. Discarded/)
  assert.doesNotMatch(await warnings(), /Versions do not decide/)
})
