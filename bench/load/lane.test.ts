// When a lane says that it sent a batch: after it has made the rows, and before it draws their version; and what it passes on
// of versions that the store raised; and how long it waits for an answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../contract/driver.ts'
import { OUTCOME, UNANSWERED, type WriteResult } from '../contract/outcome.ts'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import { nowUs } from '../lib/clock.ts'
import { allocateBlock } from '../lib/column-file.ts'
import { ContentMaker } from '../lib/content.ts'
import { HybridClock, PHASE } from '../lib/dot.ts'
import { WRITES } from '../lib/ledger-format.ts'
import { Lane } from './lane.ts'
import { TouchedKeys } from './touched.ts'

const MAKING_US = 20_000

/** Takes its time to make a row, and remembers when it was done. */
class SlowContent extends ContentMaker {
  madeUs = 0

  override fill(...row: Parameters<ContentMaker['fill']>): void {
    const untilUs = nowUs() + MAKING_US
    while (nowUs() < untilUs);
    super.fill(...row)
    this.madeUs = nowUs()
  }
}

const OPTIONS = {
  dcIndex: 0,
  incarnation: 1,
  phase: PHASE.measure,
  seed: 7,
  epochUs: 0,
  batchRows: 2,
  lingerUs: 0,
  inFlight: 1,
  pendingRowsMax: 8,
  probeShare: 0,
  unansweredAfterUs: Number.POSITIVE_INFINITY,
}
const COLUMNS = [{ name: 'n', type: 'int', min: 0, max: 9 }] as const

const sessionThat = (write: Session['write']): Session => ({
  write,
  read: () => Promise.reject(new Error('not read here')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
})

test('a batch is sent once its rows are made, and its version is drawn later than that', async () => {
  const content = new SlowContent(COLUMNS, 7)
  const block = allocateBlock(WRITES, 8)
  const recorder = {
    reserve: (count: number) => ({ columns: block, start: 0, count }),
    settle: () => undefined,
  }
  let drawnUs = 0
  const clock = new HybridClock(0, () => (drawnUs = nowUs()))
  const session = sessionThat(() => Promise.resolve({ outcome: OUTCOME.ok }))
  const sentAtUs = await new Promise<number>((resolve) => {
    let sentUs = 0
    const events = {
      sent: (atUs: number) => void (sentUs = atUs),
      raised: () => undefined,
      settled: () => resolve(sentUs),
      declined: () => undefined,
    }
    const lane = new Lane(session, OPTIONS, content, clock, recorder, new TouchedKeys(), events)
    lane.pending.push(1, 0, OPERATION.upsert)
    lane.pending.push(2, 0, OPERATION.upsert)
    lane.send(false)
  })
  assert.ok(sentAtUs >= content.madeUs, `sent ${content.madeUs - sentAtUs} µs before its rows were made`)
  assert.ok(drawnUs >= sentAtUs, `its version was drawn ${sentAtUs - drawnUs} µs before it was sent`)
  assert.deepEqual([...block.version.subarray(0, 2)], [0, 1].fill(Math.floor(drawnUs / 16) * 16))
  assert.ok(block.ackedAfterUs[0] < MAKING_US, `${block.ackedAfterUs[0]} µs of service`)
})

test('the probers hear which of their rows were stored with a higher version, and the next version is higher still', async () => {
  const block = allocateBlock(WRITES, 64)
  let used = 0
  const recorder = {
    reserve: (count: number) => ({ columns: block, start: (used += count) - count, count }),
    settle: () => undefined,
  }
  const raisedTo = 16 * 1_000_000
  const versions: number[] = []
  const session = sessionThat((batch) => {
    versions.push(batch.versions[0])
    const storedVersions = Float64Array.from(batch.keys.subarray(0, batch.count), (key) =>
      key % 2 === 0 ? raisedTo : 0,
    )
    return Promise.resolve({ outcome: OUTCOME.ok, storedVersions })
  })
  const probed = new Set<number>()
  const raised = new Map<number, number>()
  const options = { ...OPTIONS, batchRows: 30, pendingRowsMax: 60, probeShare: 0.5 }
  await new Promise<void>((resolve) => {
    const events = {
      sent: (_at: number, _rows: number, _slip: number, rows?: { readonly dots: Float64Array }) => {
        for (const dot of rows?.dots ?? []) probed.add(dot)
      },
      raised: (dots: Float64Array, stored: Float64Array) => dots.forEach((dot, i) => raised.set(dot, stored[i])),
      settled: () => (versions.length < 2 ? lane.send(false) : resolve()),
      declined: () => undefined,
    }
    const content = new ContentMaker(COLUMNS, 7)
    const clock = new HybridClock(0, () => 500)
    const lane = new Lane(session, options, content, clock, recorder, new TouchedKeys(), events)
    for (let key = 0; key < 60; key++) lane.pending.push(key, 0, OPERATION.upsert)
    lane.send(false)
  })
  const expected = new Map<number, number>()
  for (let i = 0; i < 60; i++) {
    if (block.key[i] % 2 === 0 && probed.has(block.dot[i])) expected.set(block.dot[i], raisedTo)
  }
  assert.ok(expected.size > 5 && expected.size < 25, `${expected.size} of 30 raised rows are probed`)
  assert.deepEqual(raised, expected)
  assert.ok(versions[1] > raisedTo, `${versions[1]}`)
})

test('a write without an answer is unknown after its time, its batch is never used again, and what it answers later is nothing', async () => {
  const block = allocateBlock(WRITES, 64)
  let used = 0
  const recorder = {
    reserve: (count: number) => ({ columns: block, start: (used += count) - count, count }),
    settle: () => undefined,
  }
  const batches: RowBatch[] = []
  const answers: ((result: WriteResult) => void)[] = []
  const session = sessionThat((batch) => {
    batches.push(batch)
    return new Promise((resolve) => answers.push(resolve))
  })
  const results: WriteResult[] = []
  const events = {
    sent: () => undefined,
    raised: () => undefined,
    settled: (result: WriteResult) => void results.push(result),
    declined: () => undefined,
  }
  const options = { ...OPTIONS, batchRows: 1, unansweredAfterUs: 1_000_000 }
  const content = new ContentMaker(COLUMNS, 7)
  const lane = new Lane(session, options, content, new HybridClock(0, nowUs), recorder, new TouchedKeys(), events)
  const send = (key: number) => {
    lane.pending.push(key, 0, OPERATION.upsert)
    lane.send(false)
  }
  const sentUs = nowUs()
  send(1)
  lane.giveUpUnanswered(sentUs + 900_000)
  assert.deepEqual([results.length, lane.hasRoom], [0, false])
  lane.giveUpUnanswered(nowUs() + 1_000_000)
  assert.deepEqual(results, [{ outcome: OUTCOME.info, error: UNANSWERED }])
  assert.equal(block.outcome[0], OUTCOME.info)
  assert.equal(lane.underWay, 0)
  send(2)
  assert.deepEqual([batches[0].keys[0], batches[1].keys[0]], [1, 2])
  answers[0]({ outcome: OUTCOME.ok })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([results.length, block.outcome[0], lane.underWay], [1, OUTCOME.info, 1])
  answers[1]({ outcome: OUTCOME.ok })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([results.length, block.outcome[1], lane.underWay], [2, OUTCOME.ok, 0])
})
