// A write that comes behind a later one of its writer, as one whose connection broke may: it changes nothing, is not shipped,
// and nothing is claimed of it that did not happen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATION, type Column } from '../../../bench/contract/table.ts'
import { ContentMaker } from '../../../bench/lib/content.ts'
import { packDot } from '../../../bench/lib/dot.ts'
import { MemoryEngine } from '../../memory/memory-engine.ts'
import { MalformedFrame } from './frame.ts'
import { PackedRows, packBatch, recordContent, recordDot } from './packed-rows.ts'
import { Store } from './store.ts'
import type { WriteAnswer } from './write-answer.ts'

const COLUMNS: readonly Column[] = [{ name: 'visits', type: 'int', min: 5, max: 5, counter: true }]
const maker = new ContentMaker(COLUMNS, 3)
const KEY = 7

function rowsOf(
  writes: readonly { key: number; sequence: number; operation: number }[],
  dcs: number,
  made = maker,
): PackedRows {
  const columns = made.allocate(writes.length)
  writes.forEach(({ sequence }, i) => made.fill(columns, i, packDot(0, 1, sequence)))
  const batch = {
    count: writes.length,
    keys: Float64Array.from(writes, ({ key }) => key),
    dots: Float64Array.from(writes, ({ sequence }) => packDot(0, 1, sequence)),
    versions: Float64Array.from(writes, ({ sequence }) => 16 * (100 + sequence)),
    operations: Uint8Array.from(writes, ({ operation }) => operation),
    columns,
    atomic: false,
  }
  return PackedRows.parse(packBatch(batch, 0, dcs), dcs)
}

async function openStore(dcs: number): Promise<{ store: Store; write: (rows: PackedRows) => Promise<WriteAnswer> }> {
  const engine = new MemoryEngine({})
  const identity = { dcIndex: 0, peers: [1], vectorDcs: dcs, columns: COLUMNS }
  const store = new Store(engine, await engine.open(), identity, undefined, (error) => assert.fail(String(error)))
  return { store, write: (rows) => new Promise((resolve) => void store.write(rows, resolve)) }
}

const { upsert, increment } = OPERATION

for (const { dcs, operation, unknown } of [
  { dcs: 0, operation: upsert, unknown: undefined },
  { dcs: 0, operation: increment, unknown: [0] },
  { dcs: 2, operation: upsert, unknown: [0] },
  { dcs: 2, operation: increment, unknown: [0] },
]) {
  const name = operation === upsert ? 'an upsert' : 'an increment'
  test(`${name} that was overtaken leaves the later row, ${dcs > 0 ? 'also where causality is exact' : 'and is not shipped'}`, async () => {
    const { store, write } = await openStore(dcs)
    await write(rowsOf([{ key: KEY, sequence: 2, operation: upsert }], dcs))
    const shippedBefore = store.log.head
    const other = { key: KEY + 1, sequence: 3, operation: upsert }
    const answer = await write(rowsOf([{ key: KEY, sequence: 1, operation }, other], dcs))
    assert.deepEqual(answer.unknown, unknown)
    assert.equal(store.counters.superseded_rows, 1)
    const [record] = await store.engine.read(Float64Array.of(KEY))
    assert.ok(record)
    assert.equal(recordDot(record), packDot(0, 1, 2))
    assert.equal(recordContent(record).readInt32LE(0), 5)
    const [entry] = store.log.recentAfter(shippedBefore, 1 << 20) ?? []
    const shipped = PackedRows.parse(entry.payload, dcs)
    assert.deepEqual([shipped.count, shipped.key(0)], [1, KEY + 1])
    await store.close()
  })
}

test('a row that is not of a table with counters is refused with its whole batch, before an increment finds it', async () => {
  const { store, write } = await openStore(0)
  const other = new ContentMaker([{ name: 'note', type: 'text', minBytes: 9, maxBytes: 9 }], 3)
  const bad = rowsOf([{ key: KEY, sequence: 1, operation: upsert }], 0, other)
  assert.throws(() => store.write(bad, () => assert.fail('it was written')), MalformedFrame)
  await write(rowsOf([{ key: KEY, sequence: 2, operation: increment }], 0))
  const [record] = await store.engine.read(Float64Array.of(KEY))
  assert.equal(record && recordContent(record).readInt32LE(0), 5)
  await store.close()
})
