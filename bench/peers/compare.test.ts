// How two sides take turns, with sides that only count.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../contract/errors.ts'
import { colorsFor } from '../report/colors.ts'
import { compare, resultsOf, takeTurns, type Result } from './compare.ts'
import type { Comparison, Contest, ContestOrder, Sample } from './comparison.ts'
import { exitOf, resultLine, resultsJson } from './report.ts'

const ignore = () => undefined
const progress = { step: ignore, live: ignore, note: ignore, end: ignore, fail: ignore }
const never = new AbortController().signal

/** Sides that do so much a second, and what happened in order. */
function countingContest(geowriteRate: number, peerRate: number): Contest & { readonly happened: string[] } {
  const happened: string[] = []
  const side = (name: string, rate: number) => ({
    async turn(durationMs: number): Promise<Sample> {
      happened.push(name)
      return { amount: (rate * durationMs) / 1000, seconds: durationMs / 1000, cpuSeconds: 0.5 }
    },
  })
  const settle = async () => void happened.push('settle')
  return { geowrite: side('geowrite', geowriteRate), peer: side('peer', peerRate), settle, happened }
}

function comparisonOf(contest: Contest, own: Partial<Comparison> = {}): Comparison {
  return {
    name: 'counted',
    what: 'counting',
    peer: 'another',
    unit: 'rows',
    target: 0.95,
    missing: async () => undefined,
    open: async () => contest,
    ...own,
  }
}

async function withPlace(
  body: (order: Omit<ContestOrder, 'folder' | 'guardian'>, data: string) => Promise<void>,
): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'geowrite-test-'))
  const place = { data, ports: { first: 15000, last: 32000 }, seed: 1 }
  try {
    await body({ registry: { drivers: [], workloads: [] }, place, progress, signal: never }, data)
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

const TURNS = { pairs: 3, warmupPairs: 1, durationMs: 1000 }

test('the order is turned round from pair to pair, and each turn is settled before the next', async () => {
  const contest = countingContest(100, 100)
  await takeTurns(contest, { pairs: 2, warmupPairs: 0, durationMs: 1000 }, ignore, never)
  assert.deepEqual(contest.happened, ['geowrite', 'settle', 'peer', 'settle', 'peer', 'settle', 'geowrite', 'settle'])
})

test('pairs that warm up do not count', async () => {
  const slowAtFirst = countingContest(100, 100)
  let turns = 0
  const contest: Contest = {
    ...slowAtFirst,
    peer: { turn: async (ms) => ({ ...(await slowAtFirst.peer.turn(ms)), amount: ++turns > 2 ? 100 : 1 }) },
  }
  const told: number[] = []
  const pairs = await takeTurns(
    contest,
    { pairs: 3, warmupPairs: 2, durationMs: 1000 },
    (pair) => told.push(pair),
    never,
  )
  assert.deepEqual(
    pairs.map(({ peer }) => peer.amount),
    [100, 100, 100],
  )
  assert.deepEqual([...new Set(told)], [-2, -1, 1, 2, 3])
})

test('each sample stays with the side that made it, whoever went first', async () => {
  const pairs = await takeTurns(countingContest(90, 100), TURNS, ignore, never)
  assert.deepEqual(
    pairs.map(({ geowrite, peer }) => [geowrite.amount, peer.amount]),
    [
      [90, 100],
      [90, 100],
      [90, 100],
    ],
  )
})

test('the target judges the rate by time; the rate by CPU is only reported', async () => {
  const pairs = await takeTurns(countingContest(94, 100), TURNS, ignore, never)
  const [bySecond, byCpu] = resultsOf(comparisonOf(countingContest(94, 100)), pairs)
  assert.deepEqual([bySecond.target, bySecond.holds, bySecond.measured?.ratio], [0.95, false, 0.94])
  assert.deepEqual([byCpu.target, byCpu.holds, byCpu.measured?.geowriteRate], [null, null, 188])
  const [reported] = resultsOf(comparisonOf(countingContest(94, 100), { target: null }), pairs)
  assert.equal(reported.holds, null)
})

test('a missing peer is a line that says how to get it, and nothing is opened', async () => {
  await withPlace(async (order, data) => {
    const comparison = comparisonOf(countingContest(1, 1), {
      missing: async () => 'another is not installed: install it.',
      open: () => assert.fail('opened'),
    })
    const [result] = await compare(comparison, TURNS, order)
    assert.equal(result.measured, null)
    assert.match(resultLine(result, colorsFor({})), /counted +another is not installed: install it\./)
    assert.deepEqual(readdirSync(data), [])
  })
})

test('what was set up is ended and the folder removed, also when a turn fails', async () => {
  await withPlace(async (order, data) => {
    const ended: string[] = []
    let folderSeen = ''
    const comparison = comparisonOf(countingContest(1, 1), {
      open: async ({ folder }, cleanup) => {
        folderSeen = folder
        cleanup.defer(() => void ended.push(String(existsSync(folder))))
        return { ...countingContest(1, 1), peer: { turn: () => Promise.reject(new Error('broken')) } }
      },
    })
    await assert.rejects(compare(comparison, TURNS, order), /broken/)
    assert.deepEqual(ended, ['true'], 'ended before its folder went')
    assert.ok(folderSeen.startsWith(data))
    assert.deepEqual(readdirSync(data), [])
  })
})

test('an interrupted comparison ends at the next turn', async () => {
  const ending = new AbortController()
  const contest = countingContest(1, 1)
  const turning = takeTurns(
    contest,
    { ...TURNS, warmupPairs: 0 },
    () => ending.abort(new Error('interrupted')),
    ending.signal,
  )
  await assert.rejects(turning, /interrupted/)
  assert.deepEqual(contest.happened, ['geowrite', 'settle'])
})

const missed: Partial<Result> = { holds: null, measured: null }

test('the exit code: 1 a target missed, 2 a target not judged, 69 nothing measured', async () => {
  const pairs = await takeTurns(countingContest(1, 1), TURNS, ignore, never)
  const good = resultsOf(comparisonOf(countingContest(1, 1)), pairs)
  const bad = good.map((result): Result => ({ ...result, holds: result.target === null ? null : false }))
  const absent = good.slice(0, 1).map((result): Result => ({ ...result, ...missed }))
  const reported = absent.map((result): Result => ({ ...result, target: null }))
  assert.equal(exitOf(good), EXIT.done)
  assert.equal(exitOf([...good, ...reported]), EXIT.done)
  assert.equal(exitOf([...good, ...absent]), EXIT.invalid)
  assert.equal(exitOf([...absent, ...bad]), EXIT.failed)
  assert.equal(exitOf(absent), EXIT.unavailable)
})

test('the document for machines has what, ratio, low, high, target and holds a row', async () => {
  const pairs = await takeTurns(countingContest(97, 100), TURNS, ignore, never)
  const { rows } = JSON.parse(resultsJson(resultsOf(comparisonOf(countingContest(97, 100)), pairs), [], TURNS, 5)) as {
    rows: Record<string, unknown>[]
  }
  const [{ what, ratio, low, high, target, holds, pairs: listed }] = rows
  assert.deepEqual(
    { what, ratio, low, high, target, holds },
    { what: 'counting: rows per second', ratio: 0.97, low: 0.97, high: 0.97, target: 0.95, holds: true },
  )
  assert.deepEqual(listed, [
    [97, 100],
    [97, 100],
    [97, 100],
  ])
})

test('a side whose CPU time is not known has a rate by time, and none by CPU-second', () => {
  const known = { amount: 100, seconds: 1, cpuSeconds: 0.5 }
  const pairs = [{ geowrite: known, peer: { ...known, cpuSeconds: Number.NaN } }]
  const [bySecond, byCpu] = resultsOf(comparisonOf(countingContest(1, 1)), pairs)
  assert.equal(bySecond.measured?.ratio, 1)
  assert.deepEqual([byCpu.measured, byCpu.holds], [null, null])
  assert.match(
    resultLine(byCpu, colorsFor({ isTTY: false })),
    /^n\/a .*CPU-second: what one side has used is not known/,
  )
})
