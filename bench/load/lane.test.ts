// When a lane says that it sent a batch: after it has made the rows, and before it draws their version.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION } from '../contract/table.ts'
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

test('a batch is sent once its rows are made, and its version is drawn later than that', async () => {
  const content = new SlowContent([{ name: 'n', type: 'int', min: 0, max: 9 }], 7)
  const block = allocateBlock(WRITES, 8)
  const recorder = {
    reserve: (count: number) => ({ columns: block, start: 0, count }),
    settle: () => undefined,
  }
  let drawnUs = 0
  const clock = new HybridClock(0, () => (drawnUs = nowUs()))
  const session = {
    write: () => Promise.resolve({ outcome: OUTCOME.ok }),
    read: () => Promise.reject(new Error('not read here')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const options = {
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
  }
  const sentAtUs = await new Promise<number>((resolve) => {
    let sentUs = 0
    const events = {
      sent: (atUs: number) => void (sentUs = atUs),
      settled: () => resolve(sentUs),
      declined: () => undefined,
    }
    const lane = new Lane(session, options, content, clock, recorder, new TouchedKeys(), events)
    lane.pending.push(1, 0, OPERATION.upsert)
    lane.pending.push(2, 0, OPERATION.upsert)
    lane.send(false)
  })
  assert.ok(sentAtUs >= content.madeUs, `sent ${content.madeUs - sentAtUs} µs before its rows were made`)
  assert.ok(drawnUs >= sentAtUs, `its version was drawn ${sentAtUs - drawnUs} µs before it was sent`)
  assert.deepEqual([...block.version.subarray(0, 2)], [0, 1].fill(Math.floor(drawnUs / 16) * 16))
  assert.ok(block.ackedAfterUs[0] < MAKING_US, `${block.ackedAfterUs[0]} µs of service`)
})
