// A mixed row has the winner's identity, at least one column of each write, and content that neither wrote.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContentMaker } from '../../bench/lib/content.ts'
import { packDot } from '../../bench/lib/dot.ts'
import { OPERATION, type Column } from '../../bench/contract/table.ts'
import { PackedRows, packBatch, recordContent, recordDot, recordVersion } from '../replication/node/packed-rows.ts'
import { mixedRecord } from './mixed-row.ts'

const COLUMNS: readonly Column[] = [
  { name: 'name', type: 'text', minBytes: 3, maxBytes: 30 },
  { name: 'stock', type: 'int', min: 0, max: 1000, counter: true },
  { name: 'price', type: 'int', min: 0, max: 1_000_000 },
  { name: 'note', type: 'text', minBytes: 0, maxBytes: 60 },
]
const maker = new ContentMaker(COLUMNS, 3)

function recordsOf(operations: readonly number[]): Buffer[] {
  const count = operations.length
  const columns = maker.allocate(count)
  const dots = Float64Array.from({ length: count }, (_, i) => packDot(i % 2, 768, i + 1))
  dots.forEach((dot, i) => maker.fill(columns, i, dot))
  const keys = Float64Array.from({ length: count }, (_, i) => i)
  const versions = Float64Array.from({ length: count }, (_, i) => 1600 + 16 * i)
  const batch = { count, keys, dots, versions, operations: Uint8Array.from(operations), columns, atomic: false }
  const rows = PackedRows.parse(packBatch(batch, 0))
  return Array.from({ length: count }, (_, i) => rows.record(i))
}

test('every mix has something of both, whatever the choice', () => {
  const [loser, winner] = recordsOf([OPERATION.upsert, OPERATION.upsert])
  const seen = new Set<string>()
  for (let choice = 0; choice < 64; choice++) {
    const mixed = mixedRecord(winner, loser, COLUMNS, choice) ?? assert.fail()
    assert.equal(recordDot(mixed), recordDot(winner))
    assert.equal(recordVersion(mixed), recordVersion(winner))
    assert.equal(maker.matches(recordDot(winner), recordContent(mixed)), false)
    assert.equal(maker.matches(recordDot(loser), recordContent(mixed)), false)
    seen.add(recordContent(mixed).toString('hex'))
  }
  // Three columns that may be taken or left, but for all and none of them.
  assert.equal(seen.size, 6)
})

test('nothing is mixed of a tombstone, nor where fewer than two columns differ', () => {
  const [loser, winner, tombstone] = recordsOf([OPERATION.upsert, OPERATION.upsert, OPERATION.delete])
  assert.equal(mixedRecord(tombstone, loser, COLUMNS, 1), undefined)
  assert.equal(mixedRecord(winner, tombstone, COLUMNS, 1), undefined)
  assert.equal(mixedRecord(winner, winner, COLUMNS, 1), undefined)
})
