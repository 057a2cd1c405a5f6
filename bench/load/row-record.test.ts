// What stands in the ledger of a batch: outcomes row by row, and what the acknowledged ones found of every other DC.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION } from '../contract/table.ts'
import { allocateBlock } from '../lib/column-file.ts'
import { ContentMaker } from '../lib/content.ts'
import { NEVER, WRITES, WRITE_FLAG } from '../lib/ledger-format.ts'
import { BatchBuffers } from './batch.ts'
import { recordSent, recordSettled, recordUnsent, type Recorder } from './row-record.ts'

const content = new ContentMaker([{ name: 'n', type: 'int', min: 0, max: 9 }], 7)
const ORIGIN = { epochUs: 1000, phase: 3 }

function recording() {
  const block = allocateBlock(WRITES, 16)
  const found: number[][] = []
  let used = 0
  const recorder: Recorder = {
    reserve(count) {
      const start = used
      used += count
      block.ackedAfterUs.fill(NEVER, start, used)
      return { columns: block, start, count }
    },
    settle: () => undefined,
    found: (...row) => void found.push(row),
  }
  return { block, found, recorder }
}

/** Keys 5, 3, 5 in the order of arrival, dots from 100: the first 5 is coalesced, and the batch holds 3 and 5. */
function sent() {
  const { block, found, recorder } = recording()
  const buffers = new BatchBuffers(4, content)
  buffers.keys.set([5, 3, 5])
  buffers.operations.fill(OPERATION.upsert)
  buffers.intendedUs.fill(2000)
  buffers.arrived = 3
  const batch = buffers.build(100)
  buffers.stamp(77)
  const rows = recordSent(recorder, buffers, batch, 2500, ORIGIN)
  return { block, found, recorder, buffers, batch, rows }
}

test('of acknowledged stored rows it is kept what they found, once for every other DC; of others nothing', () => {
  const { block, found, recorder, buffers, batch, rows } = sent()
  const result = {
    outcome: OUTCOME.info,
    rowOutcomes: Uint8Array.of(OUTCOME.info, OUTCOME.ok),
    storedVersions: Float64Array.of(0, 93),
    overwrote: Float64Array.of(11, 12),
    seen: Float64Array.of(21, 22, 23, 31, 32, 33),
  }
  recordSettled(recorder, rows, buffers, batch, result, 40, 1)
  assert.deepEqual(found, [
    [5, 102, 12, 0, 31],
    [5, 102, 12, 2, 33],
  ])
  // The first write of key 5 came to be with the second one, whatever is said of the batch.
  assert.deepEqual([...block.outcome.subarray(0, 3)], [OUTCOME.ok, OUTCOME.info, OUTCOME.ok])
  assert.deepEqual([...block.version.subarray(0, 3)], [0, 77, 93])
  assert.deepEqual([...block.flags.subarray(0, 3)], [WRITE_FLAG.coalesced, 0, 0])
  assert.deepEqual([...block.ackedAfterUs.subarray(0, 3)], [40, 40, 40])
})

test('a store that does not say what it replaced leaves nothing behind', () => {
  const { found, recorder, buffers, batch, rows } = sent()
  recordSettled(recorder, rows, buffers, batch, { outcome: OUTCOME.ok }, 40, 1)
  assert.deepEqual(found, [])
})

test('a row that was not sent has certainly not happened, and its flag says why', () => {
  const { block, recorder } = recording()
  const row = { key: 9, dot: 55, intendedUs: 3000, operation: OPERATION.upsert }
  recordUnsent(recorder, row, WRITE_FLAG.declined, 3700, ORIGIN)
  assert.deepEqual(
    [block.key[0], block.dot[0], block.outcome[0], block.flags[0], block.intendedUs[0], block.sentAfterUs[0]],
    [9, 55, OUTCOME.fail, WRITE_FLAG.declined, 2000, 700],
  )
  assert.deepEqual([block.version[0], block.logicalBytes[0], block.ackedAfterUs[0]], [0, 0, 0])
})
