// Packed rows hold what was packed, and bytes that are no rows are refused, whatever they are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OPERATION, type RowBatch } from '../../../bench/contract/table.ts'
import { ContentMaker } from '../../../bench/lib/content.ts'
import { nextVersion } from '../../../bench/lib/dot.ts'
import { MalformedFrame } from './frame.ts'
import {
  PackedRows,
  boundsOf,
  packBatch,
  packRecords,
  recordContent,
  recordDot,
  recordVersion,
  recordWithoutVector,
} from './packed-rows.ts'

const maker = new ContentMaker(
  [
    { name: 'note', type: 'text', minBytes: 0, maxBytes: 40 },
    { name: 'count', type: 'int', min: -5, max: 5 },
  ],
  7,
)
const identity = fc.maxSafeNat()
const rowsOf = fc.uniqueArray(fc.record({ key: identity, dot: identity, version: identity }), {
  selector: ({ key }) => key,
  maxLength: 20,
})

function batchOf(rows: readonly { key: number; dot: number; version: number }[]): RowBatch {
  const columns = maker.allocate(rows.length)
  rows.forEach(({ dot }, i) => maker.fill(columns, i, dot))
  return {
    count: rows.length,
    keys: Float64Array.from(rows, ({ key }) => key),
    dots: Float64Array.from(rows, ({ dot }) => dot),
    versions: Float64Array.from(rows, ({ version }) => version),
    operations: new Uint8Array(rows.length).fill(1),
    columns,
    atomic: false,
  }
}

test('a packed batch holds every row with its canonical content', () => {
  fc.assert(
    fc.property(rowsOf, fc.integer({ min: 0, max: 13 }), (rows, room) => {
      const packed = PackedRows.parse(packBatch(batchOf(rows), room).subarray(room))
      assert.equal(packed.count, rows.length)
      rows.forEach(({ key, dot, version }, i) => {
        assert.deepEqual([packed.key(i), packed.dot(i), packed.version(i)], [key, dot, version])
        assert.deepEqual(Uint8Array.from(recordContent(packed.record(i))), maker.expected(dot))
      })
    }),
  )
})

test('records packed again are the same bytes', () => {
  fc.assert(
    fc.property(rowsOf, (rows) => {
      const bytes = packBatch(batchOf(rows), 0)
      const packed = PackedRows.parse(bytes)
      const places = rows.map((_, i) => i)
      const again = packRecords(
        places.map((i) => packed.key(i)),
        places.map((i) => packed.record(i)),
      )
      assert.deepEqual(again, bytes)
    }),
  )
})

test('a raised version stands in the record and nowhere else', () => {
  const bytes = packBatch(batchOf([3, 5, 9].map((key) => ({ key, dot: key + 100, version: 1000 }))), 0)
  const packed = PackedRows.parse(bytes)
  packed.setVersion(1, 2000)
  assert.deepEqual(
    [0, 1, 2].map((i) => recordVersion(packed.record(i))),
    [1000, 2000, 1000],
  )
  assert.deepEqual(
    [0, 1, 2].map((i) => recordDot(packed.record(i))),
    [103, 105, 109],
  )
})

test('rows cut short, lengthened or overwritten are refused or still rows, and never read past their end', () => {
  const walk = (bytes: Buffer) => {
    const packed = PackedRows.parse(bytes)
    for (let i = 0; i < packed.count; i++)
      assert.ok(Number.isSafeInteger(packed.key(i)) && packed.record(i).length >= 17)
  }
  const seen = { refused: 0, taken: 0 }
  fc.assert(
    fc.property(
      rowsOf,
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 9 }),
      fc.boolean(),
      (rows, place, noise, cut) => {
        const good = packBatch(batchOf(rows), 0)
        const at = place % good.length
        const bad = cut
          ? good.subarray(0, at)
          : Buffer.concat([good.subarray(0, at), noise, good.subarray(at + noise.length)])
        try {
          walk(bad)
          seen.taken++
        } catch (error) {
          assert.ok(error instanceof MalformedFrame, String(error))
          seen.refused++
        }
      },
    ),
    { numRuns: 1000 },
  )
  assert.ok(seen.refused > 300, `${seen.refused} of 1000 were refused`)
})

test('a row with a vector has the content of one without, and is refused where another number of DCs is expected', () => {
  fc.assert(
    fc.property(rowsOf, fc.integer({ min: 1, max: 16 }), (rows, dcs) => {
      const bytes = packBatch(batchOf(rows), 0, dcs)
      const packed = PackedRows.parse(bytes, dcs)
      rows.forEach(({ key, dot }, i) => {
        const record = packed.record(i)
        assert.deepEqual([packed.key(i), packed.operation(i)], [key, 1])
        assert.deepEqual(Uint8Array.from(recordContent(record)), maker.expected(dot))
        const alone = Buffer.from(recordWithoutVector(record))
        assert.equal(alone.length + 8 * dcs, record.length)
        record.writeDoubleLE(7, record.length - 8)
        assert.deepEqual(recordWithoutVector(record), alone)
      })
      if (rows.length === 0) return
      for (const other of [0, dcs - 1, dcs + 1]) assert.throws(() => PackedRows.parse(bytes, other), MalformedFrame)
      const last = packed.record(rows.length - 1)
      for (const dot of [0.5, -1, Number.NaN]) {
        last.writeDoubleLE(dot, last.length - 8)
        assert.throws(() => PackedRows.parse(bytes, dcs), MalformedFrame)
      }
    }),
  )
})

test('a delete takes no content with it, and one with content is refused', () => {
  const batch = batchOf([3, 5].map((key) => ({ key, dot: key + 100, version: 1000 })))
  batch.operations[0] = OPERATION.delete
  const packed = PackedRows.parse(packBatch(batch, 0))
  assert.deepEqual([packed.operation(0), packed.operation(1)], [OPERATION.delete, OPERATION.upsert])
  assert.equal(recordContent(packed.record(0)).length, 0)
  assert.deepEqual(Uint8Array.from(recordContent(packed.record(1))), maker.expected(105))
  packed.setOperation(1, OPERATION.delete)
  assert.throws(() => PackedRows.parse(packed.bytes), MalformedFrame)
})

test('rows beyond the bounds of a client are refused, and those within taken', () => {
  const columns = [
    { name: 'note', type: 'text', minBytes: 0, maxBytes: 40 },
    { name: 'count', type: 'int', min: -5, max: 5 },
  ] as const
  const bounds = boundsOf(columns, 0)
  const bytes = (version: number) => packBatch(batchOf([{ key: 3, dot: 7, version }]), 0)
  assert.equal(PackedRows.parse(bytes(bounds.versionMax), 0, bounds).version(0), bounds.versionMax)
  assert.throws(() => PackedRows.parse(bytes(bounds.versionMax + 1), 0, bounds), MalformedFrame)
  const records = (length: number) =>
    packRecords([3], [Buffer.concat([bytes(16).subarray(16, 33), Buffer.alloc(length)])])
  assert.equal(PackedRows.parse(records(46), 0, bounds).count, 1)
  assert.throws(() => PackedRows.parse(records(47), 0, bounds), MalformedFrame)
  // Any DC can raise such a version, and another that one.
  assert.ok(Number.isSafeInteger(nextVersion(nextVersion(bounds.versionMax, 15), 15)))
})

test('an operation that there is not is refused', () => {
  const packed = PackedRows.parse(packBatch(batchOf([{ key: 3, dot: 7, version: 16 }]), 0))
  for (const operation of [0, 5, 6, 7]) {
    packed.setOperation(0, operation)
    assert.throws(() => PackedRows.parse(packed.bytes), MalformedFrame, `operation ${operation}`)
  }
})

test('random bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 5, maxLength: 400 }), (bytes) => {
      assert.throws(() => PackedRows.parse(Buffer.from(bytes)), MalformedFrame)
    }),
  )
})
