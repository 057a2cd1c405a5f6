// A COPY as protocol messages: put together again they are the block, between header and trailer, and nothing follows the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContentMaker } from '../../bench/lib/content.ts'
import { OPERATION, type Column, type RowBatch } from '../../bench/contract/table.ts'
import { copyBlock, copyMessages, COPY_HEADER, COPY_TRAILER } from './copy-format.ts'

const SEED = 5
const COLUMNS: readonly Column[] = [
  { name: 'body', type: 'text', minBytes: 0, maxBytes: 300 },
  { name: 'sender', type: 'int', min: -2_147_483_648, max: 2_147_483_647 },
]

function batchOf(count: number): RowBatch {
  const content = new ContentMaker(COLUMNS, SEED)
  const columns = content.allocate(count)
  const keys = Float64Array.from({ length: count }, (_, row) => 2 ** 40 + row)
  for (let row = 0; row < count; row++) content.fill(columns, row, keys[row])
  const [dots, versions] = [keys.map((key) => key + 1), new Float64Array(count).fill(1_763_543_200_000_016)]
  return {
    count,
    keys,
    dots,
    versions,
    operations: new Uint8Array(count).fill(OPERATION.insert),
    columns,
    atomic: false,
  }
}

/** Type and body of each message in a stream of them; the length of a message counts itself. */
function messagesIn(bytes: Buffer): { readonly type: string; readonly body: Buffer }[] {
  const found = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readInt32BE(at + 1)
    assert.ok(at + 1 + length <= bytes.length, `a message of ${length} bytes at ${at} goes beyond the end`)
    found.push({ type: String.fromCharCode(bytes[at]), body: bytes.subarray(at + 5, at + 1 + length) })
    at += 1 + length
  }
  return found
}

for (const count of [1, 127, 128, 129, 500]) {
  test(`a COPY of ${count} rows is its block in whole messages with one end (seed ${SEED})`, () => {
    const batch = batchOf(count)
    const messages = messagesIn(Buffer.concat([...copyMessages(batch, false)]))
    const end = messages.pop()
    assert.deepEqual([end?.type, end?.body.length], ['c', 0])
    assert.ok(messages.every(({ type }) => type === 'd'))
    const sent = Buffer.concat(messages.map(({ body }) => body))
    assert.deepEqual(sent, Buffer.concat([COPY_HEADER, copyBlock(batch), COPY_TRAILER]))
  })
}

test(`the dot again stands behind each row, and is counted (seed ${SEED})`, () => {
  const batch = batchOf(1)
  const [{ body }] = messagesIn(Buffer.concat([...copyMessages(batch, true)]))
  const row = body.subarray(COPY_HEADER.length, body.length - COPY_TRAILER.length)
  const block = copyBlock(batch)
  assert.equal(row.readInt16BE(0), block.readInt16BE(0) + 1)
  assert.deepEqual(row.subarray(2, block.length), block.subarray(2))
  assert.deepEqual([row.readInt32BE(block.length), Number(row.readBigInt64BE(block.length + 4))], [8, batch.dots[0]])
})
