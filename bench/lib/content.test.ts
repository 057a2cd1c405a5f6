// Content that is checked byte for byte, but for its counters, whose sum is read out of any encoded row.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Column } from '../contract/table.ts'
import { ContentMaker } from './content.ts'

const SEED = 20261124
const COLUMNS: readonly Column[] = [
  { name: 'title', type: 'text', minBytes: 0, maxBytes: 30 },
  { name: 'hits', type: 'int', min: 1, max: 9, counter: true },
  { name: 'size', type: 'int', min: -5, max: 5 },
  { name: 'note', type: 'text', minBytes: 300, maxBytes: 400 },
  { name: 'debt', type: 'int', min: 1, max: 9, counter: true },
]

/** Where the 32-bit integers of a row lie, worked out from its length fields. */
function offsets(bytes: Buffer): { hits: number; size: number; debt: number } {
  const hits = 2 + bytes.readUInt16LE(0)
  const size = hits + 4
  return { hits, size, debt: size + 4 + 2 + bytes.readUInt16LE(size + 4) }
}

test('any byte that differs is noticed, but those of the counters, which add up', () => {
  const content = new ContentMaker(COLUMNS, SEED)
  for (let dot = 1; dot <= 20; dot++) {
    const row = Buffer.from(content.expected(dot))
    assert.ok(content.matches(dot, row))
    assert.ok(!content.matches(dot + 1, row))
    assert.ok(!content.matches(dot, row.subarray(0, -1)))
    const { hits, debt } = offsets(row)
    row.writeInt32LE(2_000_000_000, hits)
    row.writeInt32LE(-7, debt)
    assert.ok(content.matches(dot, row))
    assert.equal(content.counted(row), 1_999_999_993)
    for (let at = 0; at < row.length; at++) {
      const isCounter = (at >= hits && at < hits + 4) || (at >= debt && at < debt + 4)
      row[at] ^= 1
      assert.equal(content.matches(dot, row), isCounter, `byte ${at}`)
      row[at] ^= 1
    }
    assert.ok(Number.isNaN(content.counted(row.subarray(0, hits + 2))))
  }
})
