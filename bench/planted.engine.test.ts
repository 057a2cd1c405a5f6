// Lies planted in the reference store, and what the harness must find: the right number moves by the right amount.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isHit } from '../drivers/memory/planted-faults.ts'
import { RUN_FILES, type RunFacts } from './contract/run-folder.ts'
import { OUTCOME } from './contract/outcome.ts'
import { readBlocks } from './lib/column-file.ts'
import { dotDc } from './lib/dot.ts'
import { WRITES, WRITE_FLAG } from './lib/ledger-format.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const SEED = 20261124
const LOAD = { driver: 'memory', rows: 1000, overlap: 0.3, skew: 0.9, duration: '3s', seed: SEED, delay: '20ms' }
const RATE = 2000

interface Write {
  readonly key: number
  readonly dot: number
  readonly version: number
}

/** Every stored acknowledged write of a run, from its ledger. */
function storedWrites(folder: string): Write[] {
  const writes: Write[] = []
  for (const name of readdirSync(join(folder, RUN_FILES.ledger)).filter((file) => file.startsWith('writes-'))) {
    for (const block of readBlocks(WRITES, join(folder, RUN_FILES.ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        const stored = block.outcome[i] === OUTCOME.ok && (block.flags[i] & WRITE_FLAG.coalesced) === 0
        if (block.dot[i] !== 0 && stored)
          writes.push({ key: block.key[i], dot: block.dot[i], version: block.version[i] })
      }
    }
  }
  return writes
}

function byKey(writes: readonly Write[]): Map<number, Write[]> {
  return Map.groupBy(writes, ({ key }) => key)
}

function newest(writes: readonly Write[]): Write {
  return writes.reduce((a, b) => (b.version > a.version ? b : a))
}

function counted(folder: string): Readonly<Record<string, number>> {
  const facts = JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts
  return facts.counters?.own ?? {}
}

/** No finding at all, where nothing was planted that could make one. */
function assertNothingFound({ analysis, value }: FinishedRun): void {
  assert.deepEqual(analysis.verdict.broken, [])
  for (const metric of ['lost_writes', 'divergent_rows', 'failed', 'unknown', 'dropped'])
    assert.equal(value(metric), 0, metric)
}

test('nothing is found where nothing is planted', () =>
  withRun(LOAD, RATE, async (finished) => {
    assertNothingFound(finished)
    const lag = finished.value('lag_p50') ?? 0
    assert.ok(lag >= 20 && lag < 35, `${lag} ms`)
  }))

test('a planted delay of visibility stands in the lag, and nowhere else', () =>
  withRun({ ...LOAD, set: 'memory.delay=60' }, RATE, async (finished) => {
    assertNothingFound(finished)
    const lag = finished.value('lag_p50') ?? 0
    assert.ok(lag >= 80 && lag < 100, `${lag} ms`)
    assert.ok((finished.value('response_p50') ?? 99) < 20)
  }))

test('a slow acknowledgement stands in the response time, not in the lag', () =>
  withRun({ ...LOAD, set: 'memory.slow_ack=30' }, RATE, async (finished) => {
    assertNothingFound(finished)
    assert.ok((finished.value('response_p50') ?? 0) >= 30)
    // The row is on its way before it is acknowledged: the lag is shorter, and may be below zero.
    assert.ok((finished.value('lag_p50') ?? 99) < 20)
  }))

test('a write that is never shipped is a lost write in the other DC, counted exactly', () =>
  withRun({ ...LOAD, set: 'memory.lose=0.01', 'drain-timeout': '1s' }, RATE, async ({ analysis, folder, value }) => {
    const writes = storedWrites(folder)
    const lost = writes.filter(({ dot }) => isHit('lose', 0.01, SEED, dot))
    assert.equal(counted(folder)['planted_lost_rows'], lost.length)
    // What the other DC must be missing at the end: a lost row is made up for by a later one that arrives.
    let expected = 0
    for (const ofKey of byKey(writes).values()) if (isHit('lose', 0.01, SEED, newest(ofKey).dot)) expected++
    assert.ok(expected > 0)
    assert.equal(value('lost_writes'), expected)
    assert.equal(value('lost_writes_everywhere'), 0)
    assert.equal(value('divergent_rows'), expected)
    assert.ok(analysis.verdict.broken.length > 0)
  }))

test('a write that is acknowledged and stored nowhere is lost in all DCs, and the DCs agree all the same', () =>
  withRun({ ...LOAD, set: 'memory.lose_everywhere=0.01' }, RATE, async ({ analysis, folder, value }) => {
    const writes = storedWrites(folder)
    let expected = 0
    for (const ofKey of byKey(writes).values()) if (isHit('loseEverywhere', 0.01, SEED, newest(ofKey).dot)) expected++
    assert.ok(expected > 0)
    assert.equal(value('lost_writes'), expected)
    assert.equal(value('lost_writes_everywhere'), expected)
    assert.equal(value('divergent_rows'), 0)
    assert.ok(analysis.verdict.broken.length > 0)
  }))

test('a row applied a second time over a newer one leaves its DC behind, which divergence and losses show', () =>
  withRun({ ...LOAD, set: 'memory.duplicate=0.05', 'drain-timeout': '1s' }, RATE, async ({ folder, value }) => {
    const writes = storedWrites(folder)
    const twice = writes.filter(({ dot }) => isHit('duplicate', 0.05, SEED, dot))
    // Each of them is applied twice in the one other DC.
    assert.equal(counted(folder)['planted_duplicate_rows'], twice.length)
    const regressed = counted(folder)['planted_regressed_rows']
    assert.ok(regressed > 0)
    const divergent = value('divergent_rows') ?? 0
    assert.ok(divergent > 0 && divergent <= regressed, `${divergent} of ${regressed}`)
    assert.equal(value('lost_writes'), divergent)
    assert.deepEqual([...new Set(twice.map(({ dot }) => dotDc(dot)))].toSorted(), [0, 1])
  }))
