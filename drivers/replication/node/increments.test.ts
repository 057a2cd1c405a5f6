// Increments add to the row that is there, however many are under way, whatever arrives meanwhile and however little the
// engine remembers: each stored sum is that of the row which it replaced and its own.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { OPERATION, type Column } from '../../../bench/contract/table.ts'
import { ContentMaker } from '../../../bench/lib/content.ts'
import { LOADED_VERSION, dotDc, loadedDot, packDot } from '../../../bench/lib/dot.ts'
import { LevelEngine } from '../../lsm/level-engine.ts'
import { LSM_SETTINGS, lsmSettings } from '../../lsm/settings.ts'
import { MemoryEngine } from '../../memory/memory-engine.ts'
import { CounterColumns } from './counter-columns.ts'
import type { Engine } from './engine.ts'
import { MalformedFrame } from './frame.ts'
import { PackedRows, packBatch, packRecords, recordContent, recordDot, recordVersion } from './packed-rows.ts'
import { Serial } from './serial.ts'
import { Store } from './store.ts'

const COLUMNS: readonly Column[] = [
  { name: 'note', type: 'text', minBytes: 0, maxBytes: 30 },
  { name: 'visits', type: 'int', min: -50, max: 50, counter: true },
  { name: 'colour', type: 'int', min: 0, max: 9 },
  { name: 'points', type: 'int', min: 2_000_000_000, max: 2_100_000_000, counter: true },
]
const maker = new ContentMaker(COLUMNS, 3)
const LANES = 3
const KEYS = 12
const DCS = 2
const all = Float64Array.from({ length: KEYS }, (_, key) => key)

/** The numbers of a content: visits, colour, points; its note apart. */
function parsed(content: Uint8Array): { note: string; visits: number; colour: number; points: number } {
  const bytes = Buffer.from(content)
  const at = 2 + bytes.readUInt16LE(0)
  return {
    note: bytes.toString('latin1', 2, at),
    visits: bytes.readInt32LE(at),
    colour: bytes.readInt32LE(at + 4),
    points: bytes.readInt32LE(at + 8),
  }
}

function packed(rows: readonly { key: number; dot: number; version: number; operation: number }[], dcs: number) {
  const columns = maker.allocate(rows.length)
  rows.forEach(({ dot }, i) => maker.fill(columns, i, dot))
  const batch = {
    count: rows.length,
    keys: Float64Array.from(rows, ({ key }) => key),
    dots: Float64Array.from(rows, ({ dot }) => dot),
    versions: Float64Array.from(rows, ({ version }) => version),
    operations: Uint8Array.from(rows, ({ operation }) => operation),
    columns,
    atomic: false,
  }
  return PackedRows.parse(packBatch(batch, 0, dcs), dcs)
}

/** A batch of one lane, or of the other DC, whose rows are then newer by `aheadUs`. */
interface Step {
  readonly lane: number
  readonly keys: readonly number[]
  readonly operation: number
  readonly aheadUs: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    lane: fc.nat(LANES),
    keys: fc.uniqueArray(fc.nat(KEYS / LANES - 1), { minLength: 1, maxLength: 3 }),
    operation: fc.constantFrom(3, 3, 3, 3, 1, 4),
    aheadUs: fc.constantFrom(-300, 0, 0, 300),
  }),
  { minLength: 15, maxLength: 50, size: 'max' },
)

/** Batches that waited for a read, over all runs. */
let reads = 0

async function play(script: readonly Step[], engine: Engine): Promise<void> {
  const fatal = (error: unknown) => assert.fail(String(error))
  const identity = { dcIndex: 0, peers: [1], vectorDcs: DCS, columns: COLUMNS }
  const store = new Store(engine, await engine.open(), identity, undefined, fatal)
  const stored = new Map<number, Buffer>()
  const highest = new Map<number, number>()
  const keep = (rows: PackedRows) => {
    for (let i = 0; i < rows.count; i++) {
      stored.set(rows.dot(i), Buffer.from(rows.record(i)))
      highest.set(rows.key(i), Math.max(highest.get(rows.key(i)) ?? 0, rows.version(i)))
    }
  }
  const loaded = packed(
    [0, 1, 2, 3, 4, 5].map((key) => ({ key, dot: loadedDot(key), version: LOADED_VERSION, operation: 2 })),
    DCS,
  )
  keep(loaded)
  const settled: Promise<void>[] = [new Promise((resolve) => store.load(loaded, resolve))]
  let sequence = 0
  let versionUs = 1_000_000
  let position = 0
  store.resumeFrom(1, { logId: 1, position })
  const lanes = Array.from({ length: LANES + 1 }, () => new Serial((error) => assert.fail(String(error))))
  const answers: { key: number; dot: number; operation: number; overwrote: number }[] = []
  for (const { lane, keys, operation, aheadUs } of script) {
    const remote = lane === LANES
    const rows = keys
      .map((each) => (remote ? each * LANES + (position % LANES) : each * LANES + lane))
      .toSorted((a, b) => a - b)
      .map((key) => ({
        key,
        dot: packDot(remote ? 1 : 0, remote ? 0 : lane, ++sequence + 1000),
        version: (versionUs += 1 * 16) + (remote ? 16 * aheadUs + 1 : 0),
        operation: remote && operation === OPERATION.increment ? OPERATION.upsert : operation,
      }))
    const batch = packed(rows, DCS)
    settled.push(
      new Promise((resolve) => {
        if (remote) {
          for (let i = 0; i < batch.count; i++) batch.record(i).writeDoubleLE(batch.dot(i), batch.record(i).length - 8)
          keep(batch)
          const entry = { position: (position += batch.count), payload: batch.bytes }
          lanes[lane].push(() => store.apply(1, 1, entry, resolve))
        } else {
          const done = (overwrote: Float64Array | undefined) => {
            keep(batch)
            rows.forEach((row, i) => answers.push({ ...row, overwrote: overwrote?.[i] ?? Number.NaN }))
            resolve()
          }
          lanes[lane].push(() => store.write(batch, ({ found }) => done(found?.overwrote)))
        }
      }),
    )
    // Now and then what was asked so far gets on, so that batches meet others at every stage.
    if (sequence % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(settled)
  const replaced = new Set<number>()
  for (const { key, dot, operation, overwrote } of answers) {
    if (key < loaded.count) assert.notEqual(overwrote, 0, `the loaded row ${key} was not seen`)
    assert.ok(overwrote === 0 || !replaced.has(overwrote), `${overwrote} was replaced twice`)
    replaced.add(overwrote)
    const record = stored.get(dot) as Buffer
    if (operation === OPERATION.delete) {
      assert.equal(recordContent(record).length, 0)
      continue
    }
    const own = parsed(maker.expected(dot))
    const beneath = overwrote === 0 ? undefined : recordContent(stored.get(overwrote) as Buffer)
    const adds = operation === OPERATION.increment && beneath !== undefined && beneath.length > 0
    const held = adds ? parsed(beneath) : { visits: 0, points: 0 }
    const sum = { ...own, visits: (own.visits + held.visits) | 0, points: (own.points + held.points) | 0 }
    assert.deepEqual(parsed(recordContent(record)), sum)
    assert.equal(record[16] & 7, OPERATION.upsert)
  }
  const final = await store.engine.read(all)
  final.forEach((record, key) => {
    assert.equal(record === undefined ? 0 : recordVersion(record), highest.get(key) ?? 0)
    if (record !== undefined)
      assert.deepEqual(recordContent(record), recordContent(stored.get(recordDot(record)) as Buffer))
    if (record !== undefined && dotDc(recordDot(record)) === 0) assert.ok(!replaced.has(recordDot(record)))
  })
  reads += store.counters.write_reads_rows
  await store.close()
}

test('increments that are under way together add up in memory', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (script) => play(script, new MemoryEngine({}))),
    { numRuns: 200 },
  )
})

test('increments that are under way together add up in LevelDB, however little it remembers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-increments-'))
  const defaults = lsmSettings(Object.fromEntries(LSM_SETTINGS.map((setting) => [setting.name, setting.default])))
  let run = 0
  try {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(1, 600, 1 << 20), (script, recentRecordBytes) => {
        const settings = { ...defaults, recentRows: 1, recentRecordBytes }
        return play(script, new LevelEngine(join(folder, String(run++)), settings, true))
      }),
      { numRuns: 150 },
    )
    assert.ok(reads > 1000, `${reads} rows were read`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a content that is not that of the table is refused before anything is added', () => {
  const counters = new CounterColumns(COLUMNS)
  const record = packed([{ key: 1, dot: 77, version: 16, operation: 3 }], 0).record(0)
  assert.doesNotThrow(() => counters.check(record))
  for (let bytes = 17; bytes < record.length; bytes++) {
    assert.throws(() => counters.check(record.subarray(0, bytes)), MalformedFrame)
  }
  assert.throws(() => counters.check(Buffer.concat([record, Buffer.of(0)])), MalformedFrame)
  const long = Buffer.from(record)
  long.writeUInt16LE(65_535, 17)
  assert.throws(() => counters.check(long), MalformedFrame)
})

test('a content that is not that of the table comes in on no way, so that no later increment meets it', async () => {
  const engine = new MemoryEngine({})
  const fatal = (error: unknown) => assert.fail(String(error))
  const store = new Store(
    engine,
    await engine.open(),
    { dcIndex: 0, peers: [1], vectorDcs: 0, columns: COLUMNS },
    undefined,
    fatal,
  )
  store.resumeFrom(1, { logId: 1, position: 0 })
  const bad = () => {
    const record = Buffer.concat([packed([{ key: 1, dot: 77, version: 16, operation: 1 }], 0).record(0), Buffer.of(0)])
    return PackedRows.parse(packRecords([1], [record]))
  }
  const never = () => assert.fail('it was taken')
  assert.throws(() => store.load(bad(), never), MalformedFrame)
  assert.throws(() => store.write(bad(), never), MalformedFrame)
  assert.throws(() => store.apply(1, 1, { position: 1, payload: bad().bytes }, never), MalformedFrame)
  assert.equal(engine.record(1), null)
  const increment = packed([{ key: 1, dot: 78, version: 32, operation: 3 }], 0)
  await new Promise<void>((resolve) => void store.write(increment, () => resolve()))
  assert.equal(engine.known(1), 32)
  await store.close()
})
