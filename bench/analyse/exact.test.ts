// Exact causality against histories worked out by hand: what each write found decides, and contradictions are told.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

async function analysed(run: PlantedRun): Promise<RunAnalysis & { readonly exactOfPairs: string[] }> {
  using folder = scratchFolder()
  plant(folder.path, run)
  const analysis = await analyseRun(folder.path)
  const lines = readFileSync(join(folder.path, 'conflicts.csv'), 'utf8').trim().split('\n').slice(1)
  return { ...analysis, exactOfPairs: lines.map((line) => line.split(',').at(-1) ?? '') }
}

const figures = ({ metrics }: RunAnalysis, metric: string) => {
  const { low, value, high } = figureOf(metrics, metric)
  return [low, value, high]
}

const first = { dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 }
/** Sent when the first may or may not have been visible. */
const second = { dc: 1, key: 1, sentMs: 1041, ackedMs: 1043 }
const PROBES: PlantedRun['probes'] = [
  { peer: 1, write: 0, missMs: 1038, closedMs: 1050 },
  { peer: 0, write: 1, missMs: 1080, closedMs: 1082 },
]

test('two writes that did not find each other are in conflict, whatever the bounds leave open', async () => {
  const analysis = await analysed({
    writes: [first, second],
    probes: PROBES,
    causes: [
      { write: 0, seen: [-1, -1] },
      { write: 1, seen: [-1, -1] },
    ],
  })
  assert.equal(analysis.conflictBasis, 'exact')
  assert.deepEqual(figures(analysis, 'conflict_share'), [0, 1, 1])
  assert.deepEqual(figures(analysis, 'discarded'), [0, 1, 1])
  assert.deepEqual(figures(analysis, 'lost_updates'), [1, 1, 1])
  assert.deepEqual(analysis.exactOfPairs, ['1'])
  assert.match(analysis.notes.join(' '), /exact for the acknowledged writes.*bounds by visibility \(probed\)/)
  assert.deepEqual(
    analysis.verdict.warnings.filter((text) => text.includes('vectors')),
    [],
  )
})

test('a write that found the other is in no conflict with it, though it may have been possible', async () => {
  const analysis = await analysed({
    writes: [first, second],
    probes: PROBES,
    causes: [
      { write: 0, seen: [-1, -1] },
      { write: 1, overwrote: 0, seen: [0, -1] },
    ],
  })
  assert.deepEqual(figures(analysis, 'conflict_share'), [0, 0, 1])
  assert.deepEqual(figures(analysis, 'lost_updates'), [0, 0, 0])
  assert.deepEqual(analysis.exactOfPairs, ['0'])
})

test('a row that was beaten on arrival is in the past of the next write all the same, and its update is lost', async () => {
  const analysis = await analysed({
    writes: [
      { ...first, version: 160 },
      { ...second, sentMs: 1001, ackedMs: 1003, version: 321 },
      { dc: 1, key: 1, sentMs: 1100, ackedMs: 1102, version: 481 },
    ],
    probes: [],
    causes: [
      { write: 0, seen: [-1, -1] },
      { write: 1, seen: [-1, -1] },
      { write: 2, overwrote: 1, seen: [0, -1] },
    ],
  })
  // The first and the second crossed; the third had taken in the first, which the second beat.
  assert.equal(figureOf(analysis.metrics, 'conflict_pairs').value, 0.1)
  assert.deepEqual(figures(analysis, 'lost_updates'), [1, 1, 1])
})

test('a write that does not say what it found takes the exactness away', async () => {
  const analysis = await analysed({
    writes: [first, second],
    probes: PROBES,
    causes: [{ write: 0, seen: [-1, -1] }],
  })
  assert.equal(analysis.conflictBasis, 'probed')
  assert.match(analysis.notes.join(' '), /1 acknowledged write did not say what they found/)
  assert.deepEqual(analysis.exactOfPairs, [''])
})

test('a write without an outcome stays in the upper bound and takes no exactness away', async () => {
  const analysis = await analysed({
    writes: [first, { dc: 1, key: 1, sentMs: 1041, outcome: OUTCOME.info }],
    probes: PROBES,
    causes: [{ write: 0, seen: [-1, -1] }],
    finals: [
      { dc: 0, key: 1, write: 1 },
      { dc: 1, key: 1, write: 1 },
    ],
  })
  assert.equal(analysis.conflictBasis, 'exact')
  assert.deepEqual(figures(analysis, 'conflict_pairs'), [0, 0, 0.1])
  // Whether the unknown write replaced the first one, nobody knows.
  assert.deepEqual([figures(analysis, 'lost_updates')[0], figures(analysis, 'lost_updates')[2]], [0, 1])
})

test('vectors that contradict what reads prove are warned of', async () => {
  const analysis = await analysed({
    writes: [first, { ...second, sentMs: 1010, ackedMs: 1012 }],
    probes: PROBES,
    causes: [
      { write: 0, seen: [-1, -1] },
      // It says that it found a write that was still missing 26 ms later.
      { write: 1, overwrote: 0, seen: [0, -1] },
    ],
  })
  assert.deepEqual(figures(analysis, 'conflict_pairs'), [0.1, 0, 0.1])
  assert.match(analysis.verdict.warnings.join(' '), /\(0 pairs\) lie outside what its reads prove \(1 to 1\)/)
})

test('a store that forgets what it had taken in is told of, and a write’s past is that of the earlier ones too', async () => {
  const analysis = await analysed({
    writes: [first, { ...second, sentMs: 1100, ackedMs: 1102 }, { ...second, sentMs: 1200, ackedMs: 1202 }],
    probes: [],
    causes: [
      { write: 0, seen: [-1, -1] },
      { write: 1, overwrote: 0, seen: [0, -1] },
      { write: 2, overwrote: 1, seen: [-1, -1] },
    ],
  })
  assert.equal(figureOf(analysis.metrics, 'conflict_pairs').value, 0)
  assert.equal(figureOf(analysis.metrics, 'conflict_share').value, 0)
  assert.match(analysis.notes.join(' '), /1 acknowledged write found less of another DC/)
})

test('a row that was never stored is a lost update of a key that one DC wrote', async () => {
  const analysis = await analysed({
    writes: [first, { ...first, sentMs: 1100, ackedMs: 1102 }, { ...first, sentMs: 1200, ackedMs: 1202 }],
    probes: [],
    causes: [
      { write: 0, seen: [-1, -1] },
      { write: 1, overwrote: 0, seen: [-1, -1] },
      { write: 2, overwrote: 0, seen: [-1, -1] },
    ],
  })
  assert.deepEqual(figures(analysis, 'lost_updates'), [1, 1, 1])
})
