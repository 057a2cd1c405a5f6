// Lies planted in the reference store, one a run: the right number moves by the right amount, the store's own account of what it
// planted agrees to the row, and no other measure moves. GEOWRITE_PLANTED=all plants every one of them.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { isHit } from '../drivers/memory/planted-faults.ts'
import { figureOf, type RunAnalysis } from './contract/analysis.ts'
import { OUTCOME } from './contract/outcome.ts'
import { PHASE, dotIncarnation, phaseOf } from './lib/dot.ts'
import { findingsOf, isCalm, movedMeasures } from './planted-measures.fixture.ts'
import { factsOf, newestByKey, writesOf, type LedgerWrite } from './planted-truth.fixture.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const ALL = process.env['GEOWRITE_PLANTED'] === 'all'
const SEED = 20261124
const RATE = 2000
const LOAD = {
  driver: 'memory',
  rows: 2000,
  overlap: 0.5,
  skew: 0.6,
  warmup: '300ms',
  duration: ALL ? '3s' : '1500ms',
  seed: SEED,
  delay: '20ms',
  'drain-timeout': '1s',
}

type Options = Readonly<Record<string, unknown>>

interface Plant {
  readonly set: string | readonly string[]
  readonly options?: Options
  /** Measures that must move, and that may: what follows from the lie and cannot be told from it. */
  readonly moves: readonly string[]
  readonly mayMove?: readonly string[]
  /** In the short form too. */
  readonly short?: true
  /** Row writes that must have been hit, where a test can know them beforehand. */
  readonly hits?: (writes: readonly LedgerWrite[]) => number
  /** What must stand of them, worked out from the ledger. */
  readonly stands?: (writes: readonly LedgerWrite[], folder: string) => number
  /** How many of those that the store sees standing nobody was told of, so that the measure does not judge them. */
  readonly unjudged?: (writes: readonly LedgerWrite[]) => number
}

const hit =
  (fault: Parameters<typeof isHit>[0], share: number) =>
  ({ dot }: LedgerWrite) =>
    isHit(fault, share, SEED, dot)
const countOf = (chosen: (write: LedgerWrite) => boolean) => (writes: readonly LedgerWrite[]) =>
  writes.filter(chosen).length
const newest = (chosen: (write: LedgerWrite) => boolean) => (writes: readonly LedgerWrite[]) =>
  newestByKey(writes).filter(chosen).length

/** Those of them that were acknowledged in the DC that is killed, before it was. */
const newestAtCrash = (chosen: (write: LedgerWrite) => boolean) => (writes: readonly LedgerWrite[], folder: string) => {
  const [{ startUs, endUs }] = factsOf(folder).faults ?? assert.fail('no fault')
  // Nothing is acknowledged while it is down.
  const killedUs = (startUs + endUs) / 2
  return newest((write) => chosen(write) && write.dcIndex === 1 && write.ackedUs < killedUs)(writes)
}

/** DCs that stay apart. */
const APART = ['divergent_rows', 'convergence']
/** Of rows that never come, or come again: their probes wait for the next row of their DC, or in vain. */
const UNSEEN = ['reordered', 'probes_open', 'visible', 'lost_updates']
const CRASH = { fault: 'kill eu-west at=700ms for=200ms', duration: '3s' }

const PLANTS: readonly Plant[] = [
  {
    set: 'memory.lose=0.02',
    moves: ['lost_writes', ...APART],
    mayMove: UNSEEN,
    short: true,
    hits: countOf(hit('lose', 0.02)),
    stands: newest(hit('lose', 0.02)),
  },
  {
    set: 'memory.lose_everywhere=0.02',
    moves: ['lost_writes', 'lost_writes_everywhere'],
    mayMove: UNSEEN,
    hits: countOf(hit('loseEverywhere', 0.02)),
    stands: newest(hit('loseEverywhere', 0.02)),
  },
  {
    set: ['memory.durable=true', 'memory.lose_at_crash=0.3'],
    options: CRASH,
    moves: ['lost_writes', 'divergent_rows'],
    // The moment of the kill among the writes, and of the restart, is another in every run.
    mayMove: [
      ...UNSEEN,
      'convergence',
      'lost_writes_everywhere',
      'unknown',
      'unknown_present',
      'failed',
      'acknowledged',
      'write_amplification',
    ],
    stands: newestAtCrash(hit('loseAtCrash', 0.3)),
    unjudged: (writes) => {
      const unknown = writes.filter((write) => write.outcome === OUTCOME.info && hit('loseAtCrash', 0.3)(write))
      return new Set(unknown.map(({ key }) => key)).size
    },
  },
  {
    set: 'memory.duplicate=0.3',
    moves: ['lost_writes', ...APART],
    mayMove: [...UNSEEN, 'lost_writes_everywhere', 'conflicts_reported'],
  },
  { set: 'memory.swap=0.7', moves: ['lost_writes', ...APART], mayMove: ['conflicts_reported', 'lost_updates'] },
  { set: 'memory.mix=0.5', moves: ['mixed_rows', ...APART], short: true },
  {
    set: 'memory.resurrect=0.5',
    options: { deletes: 0.2 },
    moves: ['resurrected_rows', 'lost_writes', ...APART],
    mayMove: UNSEEN,
    short: true,
  },
  {
    set: 'memory.unknown=0.008',
    moves: ['unknown', 'unknown_present'],
    mayMove: ['probes_open', 'visible', 'lost_updates'],
    short: true,
    hits: countOf(hit('unknown', 0.008)),
  },
  {
    set: 'memory.reorder=0.02',
    // Without conflicts no probe is overshadowed, so that every one of them tells.
    options: { overlap: 0, probes: 'all' },
    moves: ['reordered'],
    mayMove: ['conflicts_reported'],
  },
]

const bases = new Map<string, RunAnalysis>()

/** The run with the same seed and settings in which nothing is planted. */
async function baseOf(options: Options, durable: boolean, t: TestContext): Promise<RunAnalysis> {
  const name = JSON.stringify([options, durable])
  const known = bases.get(name)
  if (known !== undefined) return known
  let base: RunAnalysis | undefined
  await withRun({ ...LOAD, ...options, ...(durable && { set: 'memory.durable=true' }) }, RATE, async ({ analysis }) => {
    base = analysis
  })
  assert.ok(base)
  const findings = findingsOf(base)
  t.diagnostic(`nothing planted: ${findings.join('; ') || 'no finding'}`)
  if (options['fault'] === undefined) assert.deepEqual(findings, [])
  bases.set(name, base)
  return base
}

/** The store's account against what was found: equal, or within the bounds where only bounds can be known. */
function judge({ analysis, folder }: FinishedRun, plant: Plant, t: TestContext): void {
  const planted = factsOf(folder).counters?.planted ?? []
  assert.ok(planted.length > 0)
  const writes = writesOf(folder)
  for (const { name, metric, rows, standing } of planted) {
    const { value, low, high } = figureOf(analysis.metrics, metric)
    t.diagnostic(`${name}: ${rows} rows hit, ${standing} stand; ${metric} ${value} (${low} to ${high})`)
    assert.ok(standing > 0, `${name}: nothing stands, so that nothing is tested`)
    const unjudged = plant.unjudged?.(writes) ?? 0
    if (unjudged > 0) assert.ok(value !== null && value <= standing && value >= standing - unjudged, metric)
    else if (low === null || high === null) assert.equal(value, standing, metric)
    else assert.ok(low <= standing && standing <= high, `${metric}: ${standing} is not in [${low}, ${high}]`)
  }
  const [{ rows, metric }] = planted
  if (plant.hits !== undefined) assert.equal(rows, plant.hits(writes))
  if (plant.stands !== undefined) assert.equal(figureOf(analysis.metrics, metric).value, plant.stands(writes, folder))
  if (analysis.planted === undefined) return
  assert.deepEqual(
    analysis.planted.map(({ name, metric, standing: told }) => [name, metric, told]),
    planted.map(({ name, metric, standing: told }) => [name, metric, told]),
  )
}

for (const plant of PLANTS.filter(({ short }) => ALL || short === true)) {
  const { set, options = {}, moves, mayMove = [] } = plant
  test(`${[set].flat().join(' ')} moves ${moves.join(', ')}, and nothing else`, { timeout: 120_000 }, async (t) => {
    t.diagnostic(`seed ${SEED}`)
    const base = await baseOf(options, [set].flat().includes('memory.durable=true'), t)
    await withRun({ ...LOAD, ...options, set }, RATE, async (finished) => {
      judge(finished, plant, t)
      if (!isCalm(base) || !isCalm(finished.analysis)) t.diagnostic('the machine was busy: times were not compared')
      const moved = movedMeasures(base, finished.analysis)
      for (const text of moved.values()) t.diagnostic(text)
      assert.deepEqual(
        moves.filter((metric) => !moved.has(metric)),
        [],
        'did not move',
      )
      const allowed = new Set([...moves, ...mayMove])
      assert.deepEqual(
        [...moved.keys()].filter((metric) => !allowed.has(metric)),
        [],
        'moved without a reason',
      )
    })
  })
}

test(
  'a clock that runs ahead lets earlier writes beat later ones, and nothing else moves',
  { timeout: 120_000 },
  async (t) => {
    t.diagnostic(`seed ${SEED}`)
    const base = await baseOf({}, false, t)
    await withRun({ ...LOAD, 'skew-clock': 'us-east=60ms' }, RATE, async ({ analysis, folder }) => {
      const writes = writesOf(folder).filter(
        ({ outcome, dot }) => outcome === OUTCOME.ok && phaseOf(dotIncarnation(dot)) === PHASE.measure,
      )
      const ofKey = Map.groupBy(writes, ({ key }) => key)
      // Had it seen the other one, its DC would have raised its version above that one's.
      const beaten = writes.filter((later) =>
        ofKey
          .get(later.key)
          ?.some(
            (other) =>
              other.dcIndex !== later.dcIndex && other.ackedUs <= later.sentUs && other.version > later.version,
          ),
      ).length
      const { value, low, high } = figureOf(analysis.metrics, 'beaten_by_earlier')
      t.diagnostic(`${beaten} beaten by an earlier one; found ${value} (${low} to ${high})`)
      assert.ok(beaten > 10 && low !== null && high !== null && low > 0 && low <= beaten && beaten <= high)
      const moved = movedMeasures(base, analysis)
      for (const text of moved.values()) t.diagnostic(text)
      const allowed = new Set(['beaten_by_earlier', 'conflicts_reported', 'discarded', 'lost_updates'])
      assert.deepEqual(
        [...moved.keys()].filter((metric) => !allowed.has(metric)),
        [],
        'moved without a reason',
      )
    })
  },
)

test('a run has as many unknown writes as were planted, and every other one is acknowledged', { skip: !ALL }, (t) =>
  withRun({ ...LOAD, set: ['memory.unknown=0.008', 'memory.unknown_lost=1'] }, RATE, async ({ folder, value }) => {
    t.diagnostic(`seed ${SEED}`)
    const writes = writesOf(folder)
    const isUnknown = hit('unknown', 0.008)
    for (const write of writes) assert.equal(write.outcome, isUnknown(write) ? OUTCOME.info : OUTCOME.ok)
    assert.equal(value('unknown_present'), 0)
    assert.equal(value('lost_writes'), 0)
  }),
)
