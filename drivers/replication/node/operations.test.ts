// Deletes, increments and exact causality over real nodes, whatever the engine: what is asked, stored, shipped and read back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Admin, Driver, RowStates, Session } from '../../../bench/contract/driver.ts'
import { OUTCOME } from '../../../bench/contract/outcome.ts'
import { OPERATION, type Column, type RowBatch, type Table } from '../../../bench/contract/table.ts'
import { loadedDot } from '../../../bench/lib/dot.ts'
import { joiningDirectly } from '../../../bench/joining.fixture.ts'
import { lsm } from '../../lsm/driver.ts'
import { memory } from '../../memory/driver.ts'
import { Nodes, TABLE, Writer, consecutive, loadedRows, maker, until } from './nodes.fixture.ts'

const drivers: readonly Driver[] = [lsm, memory]
const [note, count] = TABLE.columns
const counting: Column = { ...count, counter: true }
const COUNTED: Table = { ...TABLE, columns: [note, counting] }

async function rowsOf(admin: Admin, dc: string, keys: readonly number[]): Promise<RowStates> {
  for await (const rows of admin.rows(dc, { keys: Float64Array.from(keys) })) return rows
  return assert.fail('no rows')
}

async function drained(admin: Admin): Promise<void> {
  await until('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
}

async function assertEqual(admin: Admin): Promise<void> {
  const [west, east] = await Promise.all(['west', 'east'].map((dc) => admin.digest(dc, { buckets: 4 })))
  assert.deepEqual([east.counts, east.sums, east.xors], [west.counts, west.sums, west.xors])
}

const countOf = (content: Uint8Array) => Buffer.from(content).readInt32LE(content.length - 4)
const valueOf = (batch: RowBatch, row: number) => countOf(maker.expected(batch.dots[row]))

async function increment(session: Session, writer: Writer, keys: readonly number[]) {
  const batch = writer.batch(keys, OPERATION.increment)
  const result = await session.write(batch)
  assert.equal(result.outcome, OUTCOME.ok)
  return { batch, seen: result.seen as Float64Array }
}

/**
 * Increments key 10 in both DCs at once until neither had seen the other, or 50 times; checks the sum after each pair, of
 * which a concurrent one loses the value of the lower version.
 */
async function concurrentIncrements(
  admin: Admin,
  west: Session,
  east: Session,
  writers: readonly Writer[],
): Promise<boolean> {
  for (let round = 0; round < 50; round++) {
    const before = countOf((await rowsOf(admin, 'west', [10])).contents[0])
    const pair = await Promise.all([increment(west, writers[0], [10]), increment(east, writers[1], [10])])
    await drained(admin)
    const states = await Promise.all(['west', 'east'].map((dc) => rowsOf(admin, dc, [10])))
    assert.deepEqual(states[1], states[0])
    const values = pair.map(({ batch }) => valueOf(batch, 0))
    const saw = pair.map(({ seen }, dc) => seen[1 - dc] === pair[1 - dc].batch.dots[0])
    const winner = pair.findIndex(({ batch }) => batch.dots[0] === states[0].dots[0])
    const concurrent = !saw[0] && !saw[1]
    const gained = concurrent ? values[winner] : values[0] + values[1]
    assert.equal(
      countOf(states[0].contents[0]),
      before + gained,
      `round ${round}, ${concurrent ? 'concurrent' : 'in turn'}`,
    )
    if (concurrent) return true
  }
  return false
}

for (const driver of drivers) {
  test(`${driver.name}: a delete leaves a tombstone in every DC, and a later write revives the row`, async () => {
    await using nodes = await Nodes.start(driver)
    await using admin = await nodes.admin()
    await admin.load(loadedRows, () => {})
    await admin.replicate(joiningDirectly(nodes.endpoints))
    await using west = await nodes.open('west')
    await using east = await nodes.open('east')
    const writer = new Writer(0)
    const before = await admin.digest('west', { buckets: 1 })
    const deleted = writer.batch([1, 2, 6000], OPERATION.delete)
    assert.deepEqual(await west.write(deleted), { outcome: OUTCOME.ok })
    await drained(admin)
    if (driver === lsm) {
      await nodes.end('east', 'SIGKILL')
      await nodes.run('east')
    }
    await assertEqual(admin)
    const after = await admin.digest('west', { buckets: 1 })
    assert.deepEqual([...after.counts], [before.counts[0] + 1])
    assert.notDeepEqual(after.sums, before.sums)
    for (const dc of ['west', 'east']) {
      const rows = await rowsOf(admin, dc, [1, 2, 3, 6000])
      assert.deepEqual([...rows.dots], [deleted.dots[0], deleted.dots[1], loadedDot(3), deleted.dots[2]])
      assert.deepEqual(
        rows.contents.map((content) => content.length > 0),
        [false, false, true, false],
      )
    }
    await until('a session that is back', () =>
      east.read(deleted.keys).then(
        () => true,
        () => false,
      ),
    )
    const seen = await east.read(deleted.keys)
    assert.deepEqual([seen.dots, seen.versions], [deleted.dots, deleted.versions])
    const revived = writer.batch([2])
    await west.write(revived)
    await drained(admin)
    const { contents } = await rowsOf(admin, 'east', [2])
    assert.deepEqual(Uint8Array.from(contents[0]), maker.expected(revived.dots[0]))
    await assertEqual(admin)
  })

  test(`${driver.name}: pipelined increments of one writer all count, and of concurrent ones of two DCs one is lost`, async () => {
    await using nodes = await Nodes.start(driver, {}, { table: COUNTED, causality: 'exact' })
    await using admin = await nodes.admin()
    await admin.load(loadedRows, () => {})
    await admin.replicate(joiningDirectly(nodes.endpoints))
    await using west = await nodes.open('west')
    await using east = await nodes.open('east')
    const writers = [new Writer(0), new Writer(1)]
    const sums = new Map(
      consecutive(10, 20).map((key) => [key, key < 5000 ? countOf(maker.expected(loadedDot(key))) : 0]),
    )
    const batches = await Promise.all(
      Array.from({ length: 40 }, () => increment(west, writers[0], consecutive(10, 20))),
    )
    for (const { batch } of batches) {
      batch.keys.forEach((key, i) => sums.set(key, (sums.get(key) as number) + valueOf(batch, i)))
    }
    await drained(admin)
    const counted = async (dc: string) => (await rowsOf(admin, dc, consecutive(10, 20))).contents.map(countOf)
    assert.deepEqual(await counted('west'), [...sums.values()])
    assert.deepEqual(await counted('east'), [...sums.values()])

    assert.ok(await concurrentIncrements(admin, west, east, writers), 'no increments were concurrent')
    await assertEqual(admin)
  })

  test(`${driver.name}: where causality is exact, writes and reads say what was seen, and contents are what they were`, async () => {
    await using nodes = await Nodes.start(driver, {}, { causality: 'exact' })
    await using admin = await nodes.admin()
    await admin.load(loadedRows, () => {})
    await admin.replicate(joiningDirectly(nodes.endpoints))
    await assertEqual(admin)
    await using west = await nodes.open('west')
    await using east = await nodes.open('east')
    const writers = [new Writer(0), new Writer(1)]
    const keys = [4, 5, 7000]
    const first = writers[0].batch(keys)
    assert.deepEqual(await west.write(first), {
      outcome: OUTCOME.ok,
      overwrote: Float64Array.of(loadedDot(4), loadedDot(5), 0),
      seen: new Float64Array(6),
    })
    await drained(admin)
    const second = writers[1].batch(keys, OPERATION.delete)
    const { overwrote, seen } = await east.write(second)
    assert.deepEqual(overwrote, first.dots)
    assert.deepEqual(seen, Float64Array.of(first.dots[0], 0, first.dots[1], 0, first.dots[2], 0))
    await drained(admin)
    if (driver === lsm) {
      await nodes.end('west', 'SIGKILL')
      await nodes.run('west')
    }
    await until('a session that is back', () =>
      west.read(first.keys).then(
        () => true,
        () => false,
      ),
    )
    const read = await west.read(Float64Array.of(5, 6, 8000))
    assert.deepEqual([...read.dots], [second.dots[1], loadedDot(6), 0])
    assert.deepEqual(read.seen, Float64Array.of(first.dots[1], second.dots[1], 0, 0, 0, 0))
    const rows = await rowsOf(admin, 'west', [3, 4])
    assert.deepEqual(
      rows.contents.map((content) => Uint8Array.from(content)),
      [maker.expected(loadedDot(3)), new Uint8Array(0)],
    )
    await assertEqual(admin)
  })
}

test('rows that were seen by different ways are equal, whatever their vectors say', async () => {
  await using nodes = await Nodes.start(memory, { lose: '0.5' }, { causality: 'exact' })
  await using admin = await nodes.admin()
  await admin.replicate(joiningDirectly(nodes.endpoints))
  await using west = await nodes.open('west')
  await using east = await nodes.open('east')
  const keys = consecutive(0, 200)
  await west.write(new Writer(0).batch(keys))
  await drained(admin)
  await east.write(new Writer(1).batch(keys))
  await drained(admin)
  const [atWest, atEast] = await Promise.all([west, east].map((session) => session.read(Float64Array.from(keys))))
  const equal = keys.filter((key) => atWest.dots[key] === atEast.dots[key])
  const apart = equal.filter((key) => atWest.seen?.[2 * key] !== atEast.seen?.[2 * key])
  assert.ok(apart.length > 10, `${apart.length} keys were lost on their way and written again`)
  const selection = { buckets: 1, keys: Float64Array.from(equal) }
  const [a, b] = await Promise.all(['west', 'east'].map((dc) => admin.digest(dc, selection)))
  assert.deepEqual([a.counts, a.sums, a.xors], [b.counts, b.sums, b.xors])
  assert.deepEqual(await rowsOf(admin, 'west', equal), await rowsOf(admin, 'east', equal))
})
