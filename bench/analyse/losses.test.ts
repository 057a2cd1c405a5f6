// Lost writes and lost updates against histories whose losses were planted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { OPERATION } from '../contract/table.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

async function analysed(run: PlantedRun): Promise<RunAnalysis> {
  using folder = scratchFolder()
  plant(folder.path, run)
  return await analyseRun(folder.path)
}

const valueOf = (analysis: RunAnalysis, metric: string, at = {}) => figureOf(analysis.metrics, metric, at).value

const first = { dc: 0, key: 5, sentMs: 1000, ackedMs: 1002 }
const second = { dc: 0, key: 5, sentMs: 1100, ackedMs: 1102 }
const seen = (write: number, peer = 1, atMs = 1040) => ({ peer, write, missMs: atMs - 1, closedMs: atMs + 1 })

test('a write that every DC holds is not lost', async () => {
  const analysis = await analysed({ writes: [first, second], probes: [seen(0), seen(1, 1, 1140)] })
  assert.equal(valueOf(analysis, 'lost_writes'), 0)
  assert.equal(valueOf(analysis, 'lost_updates'), 0)
  assert.deepEqual(analysis.verdict.broken, [])
})

test('a stale row in one DC is a write lost in one DC, named by who wrote it and where it is missing', async () => {
  const analysis = await analysed({
    writes: [first, second],
    probes: [],
    finals: [
      { dc: 0, key: 5, write: 1 },
      { dc: 1, key: 5, write: 0 },
    ],
  })
  assert.equal(valueOf(analysis, 'lost_writes'), 1)
  assert.equal(valueOf(analysis, 'lost_writes_everywhere'), 0)
  assert.equal(valueOf(analysis, 'lost_writes', { dc: 'us-east' }), 1)
  assert.equal(valueOf(analysis, 'lost_writes', { peer: 'eu-west' }), 1)
  assert.equal(valueOf(analysis, 'lost_writes', { peer: 'us-east' }), 0)
  assert.equal(valueOf(analysis, 'lost_updates'), 0)
  assert.deepEqual(analysis.verdict.broken, ['1 acknowledged write is lost in at least one DC, 0 of them in all.'])
})

test('a row absent in all DCs is a write lost in all, and one loss for the key', async () => {
  const analysis = await analysed({
    writes: [first, second],
    probes: [],
    finals: [
      { dc: 0, key: 5 },
      { dc: 1, key: 5 },
    ],
  })
  assert.equal(valueOf(analysis, 'lost_writes'), 1)
  assert.equal(valueOf(analysis, 'lost_writes_everywhere'), 1)
  assert.equal(valueOf(analysis, 'lost_updates'), 2)
})

test('a key that no DC’s final rows name is as absent as one that they say is absent', async () => {
  const analysis = await analysed({ writes: [first], probes: [], finals: [{ dc: 0, key: 5, write: 0 }] })
  assert.equal(valueOf(analysis, 'lost_writes'), 1)
  assert.equal(valueOf(analysis, 'lost_writes', { peer: 'eu-west' }), 1)
})

test('an unknown write is never lost, and what it may have superseded is not either', async () => {
  const finals = [
    { dc: 0, key: 5 },
    { dc: 1, key: 5 },
  ]
  const unknown = { ...second, outcome: OUTCOME.info }
  assert.equal(valueOf(await analysed({ writes: [unknown], probes: [], finals }), 'lost_writes'), 0)
  assert.equal(valueOf(await analysed({ writes: [first, unknown], probes: [], finals }), 'lost_writes'), 0)
  // One that came before proves nothing for the acknowledged one after it.
  const before = { ...first, outcome: OUTCOME.info }
  assert.equal(valueOf(await analysed({ writes: [before, second], probes: [], finals }), 'lost_writes'), 1)
})

test('an unknown write that did happen and won loses nobody', async () => {
  const unknown = { dc: 0, key: 5, sentMs: 1100, outcome: OUTCOME.info }
  const analysis = await analysed({
    writes: [first, unknown],
    probes: [seen(0)],
    finals: [
      { dc: 0, key: 5, write: 1 },
      { dc: 1, key: 5, write: 1 },
    ],
  })
  assert.equal(valueOf(analysis, 'lost_writes'), 0)
  assert.equal(valueOf(analysis, 'lost_updates'), 0)
  assert.equal(valueOf(analysis, 'unknown'), 1)
})

test('a deleted row that a store keeps no tombstone of is not lost', async () => {
  const analysis = await analysed({
    writes: [first, { ...second, operation: OPERATION.delete }],
    probes: [],
    finals: [
      { dc: 0, key: 5 },
      { dc: 1, key: 5 },
    ],
  })
  assert.equal(valueOf(analysis, 'lost_writes'), 0)
})

test('of two writes that crossed, the one with the lower version is a lost update, and so is all that it stood on alone', async () => {
  const crossing = { dc: 1, key: 5, sentMs: 1110, ackedMs: 1112 }
  const analysis = await analysed({
    // The second write of us-east was built on its first, of which eu-west knew when it wrote.
    writes: [first, second, crossing],
    probes: [seen(0), seen(1, 1, 1140), seen(2, 0, 1150)],
  })
  const lost = figureOf(analysis.metrics, 'lost_updates')
  assert.deepEqual([lost.low, lost.value, lost.high], [1, 1, 1])
  const early = await analysed({
    writes: [{ ...first, sentMs: 1090, ackedMs: 1092 }, second, crossing],
    probes: [seen(0, 1, 1130), seen(1, 1, 1140), seen(2, 0, 1150)],
  })
  assert.equal(valueOf(early, 'lost_updates'), 2)
})

test('a write that a later one of the other DC was built on is not lost', async () => {
  const analysis = await analysed({
    writes: [first, { dc: 1, key: 5, sentMs: 1100, ackedMs: 1102 }, { dc: 0, key: 5, sentMs: 1200, ackedMs: 1202 }],
    probes: [seen(0), seen(1, 0, 1140), seen(2, 1, 1240)],
  })
  const lost = figureOf(analysis.metrics, 'lost_updates')
  assert.deepEqual([lost.low, lost.value, lost.high], [0, 0, 0])
})

test('where arrival may or may not have come before the next write, the lost updates are a range', async () => {
  const analysis = await analysed({
    writes: [first, { dc: 1, key: 5, sentMs: 1041, ackedMs: 1043 }],
    probes: [{ peer: 1, write: 0, missMs: 1038, closedMs: 1050 }, seen(1, 0, 1080)],
  })
  const lost = figureOf(analysis.metrics, 'lost_updates')
  assert.deepEqual([lost.low, lost.high], [0, 1])
})

test('with three DCs a write is kept when one DC alone ends with it', async () => {
  const analysis = await analysed({
    dcs: ['a', 'b', 'c'],
    writes: [first, { dc: 1, key: 5, sentMs: 1010, ackedMs: 1012 }, { dc: 2, key: 5, sentMs: 1020, ackedMs: 1022 }],
    probes: [seen(0, 1), seen(0, 2), seen(1, 0, 1050), seen(1, 2, 1050), seen(2, 0, 1060), seen(2, 1, 1060)],
    finals: [
      { dc: 0, key: 5, write: 2 },
      { dc: 1, key: 5, write: 2 },
      { dc: 2, key: 5, write: 0 },
    ],
  })
  assert.equal(valueOf(analysis, 'lost_updates'), 1)
  assert.equal(valueOf(analysis, 'lost_writes'), 1)
  const share = figureOf(analysis.metrics, 'conflict_share')
  assert.deepEqual([share.low, share.high], [1, 1])
})

test('a final row that carries a refused write makes the run invalid', async () => {
  const refused = { ...second, outcome: OUTCOME.fail }
  const analysis = await analysed({
    writes: [first, refused],
    probes: [],
    finals: [
      { dc: 0, key: 5, write: 1 },
      { dc: 1, key: 5, write: 0 },
    ],
  })
  assert.equal(analysis.verdict.status, 'invalid')
  assert.match(analysis.verdict.reasons.join(), /1 row at the end carries a write that was refused/)
})
