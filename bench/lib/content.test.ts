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

test('rows made together are those made one by one, and every length and value is in its range', () => {
  const content = new ContentMaker(COLUMNS, SEED)
  const dots = Float64Array.from({ length: 3000 }, (_, row) => 2 ** 50 + 7 * row)
  const [together, single] = [content.allocate(dots.length), content.allocate(1)]
  content.fillRows(together, dots, dots.length)
  const seen = COLUMNS.map(() => new Set<number>())
  for (let row = 0; row < dots.length; row++) {
    content.fill(single, 0, dots[row])
    for (const [c, column] of together.entries()) {
      const [one, other] = [column, single[c]]
      if (one.type === 'int' && other.type === 'int') assert.equal(one.values[row], other.values[0])
      if (one.type === 'text' && other.type === 'text') {
        assert.deepEqual([one.lengths[row], one.starts[row]], [other.lengths[0], other.starts[0]])
        assert.ok(one.starts[row] + one.lengths[row] <= one.pool.length)
      }
      seen[c].add(one.type === 'int' ? one.values[row] : one.lengths[row])
    }
  }
  for (const [c, column] of COLUMNS.entries()) {
    const [least, most] = column.type === 'int' ? [column.min, column.max] : [column.minBytes, column.maxBytes]
    assert.deepEqual([Math.min(...seen[c]), Math.max(...seen[c]), seen[c].size], [least, most, most - least + 1])
  }
})
