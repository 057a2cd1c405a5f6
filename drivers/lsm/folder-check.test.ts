// A LevelDB folder with a flipped bit or a lost file is refused, or has every acknowledged row; one that was cut off by a kill
// has the commits before the cut, each whole.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { BenchError } from '../../bench/contract/errors.ts'
import { encodeLog } from './level-log.fixture.ts'
import { Written } from './level-folder.fixture.ts'
import { walkLog } from './log-check.ts'

const SEED = 20_260_713

const isDamage = (error: unknown) => error instanceof BenchError && error.code === 'FORMAT'

/** What becomes of a copy in which one bit of `name` is flipped: refused with FORMAT, or opened with every commit. */
async function flipped(written: Written, name: string, place: number, bit: number): Promise<'refused' | 'whole'> {
  const copy = written.copy()
  const path = join(copy, name)
  const bytes = readFileSync(path)
  bytes[place % bytes.length] ^= 1 << bit
  writeFileSync(path, bytes)
  try {
    const { commits } = await written.opened(copy)
    assert.equal(commits, written.commits.length, 'acknowledged commits are gone')
    return 'whole'
  } catch (error) {
    if (!isDamage(error)) throw error
    rmSync(copy, { recursive: true })
    return 'refused'
  }
}

test('one flipped bit anywhere in a log is refused', async (t) => {
  using written = await Written.make({ seed: SEED, commits: 60 })
  t.diagnostic(`seed ${SEED}`)
  const [log] = written.files('.log')
  const { size } = statSync(join(written.folder, log))
  assert.ok(size > 3 * 32_768 && written.files('.ldb').length === 0)
  const places = fc.oneof(fc.nat(size - 1), fc.integer({ min: size - 1000, max: size - 1 }))
  await fc.assert(
    fc.asyncProperty(places, fc.nat(7), async (place, bit) => {
      assert.equal(await flipped(written, log, place, bit), 'refused')
    }),
    { numRuns: 150 },
  )
  assert.deepEqual(await written.opened(written.copy()), { commits: 60, lines: [] })
})

test('a log that was cut off anywhere has the commits before the cut, rows and position together, and says what it drops', async (t) => {
  using written = await Written.make({ seed: SEED, commits: 60 })
  t.diagnostic(`seed ${SEED}`)
  const [log] = written.files('.log')
  const records: Buffer[] = []
  walkLog(join(written.folder, log), (record) => records.push(Buffer.from(record)))
  const { bytes, ends } = encodeLog(records)
  assert.deepEqual(bytes, readFileSync(join(written.folder, log)))
  // The first record is the number of the node's log, committed when it was opened.
  const [, ...commitEnds] = ends
  const size = bytes.length
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.nat(size), fc.constantFrom(...ends)), async (length) => {
      const copy = written.copy()
      truncateSync(join(copy, log), length)
      const { commits, lines } = await written.opened(copy)
      assert.equal(commits, commitEnds.filter((end) => end <= length).length)
      assert.equal(lines.length, length === 0 || ends.includes(length) ? 0 : 1)
      for (const line of lines)
        assert.match(line, new RegExp(`^${log} ends in a record that was cut off: its \\d+ bytes `))
    }),
    { numRuns: 50 },
  )
})

for (const compression of [false, true]) {
  test(`one flipped bit anywhere in a table file ${compression ? 'with Snappy' : 'without Snappy'} is refused`, async (t) => {
    using written = await Written.make({ seed: SEED, commits: 150, compression }, (engine) => engine.flush())
    t.diagnostic(`seed ${SEED}`)
    const tables = written.files('.ldb')
    assert.ok(tables.length > 0)
    const sizes = tables.map((name) => statSync(join(written.folder, name)).size)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.boolean(), fc.nat(7), async (table, place, nearEnd, bit) => {
        const size = sizes[table % tables.length]
        const byte = nearEnd ? size - 1 - (place % 600) : place % size
        assert.equal(await flipped(written, tables[table % tables.length], byte, bit), 'refused')
      }),
      { numRuns: 100 },
    )
    assert.equal((await written.opened(written.copy())).commits, 150)
  })
}

test('one flipped bit anywhere in MANIFEST or CURRENT is refused', async (t) => {
  using written = await Written.make({ seed: SEED, commits: 20 }, (engine) => engine.flush())
  t.diagnostic(`seed ${SEED}`)
  const names = readdirSync(written.folder).filter((name) => name === 'CURRENT' || name.startsWith('MANIFEST'))
  assert.equal(names.length, 2)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.nat(7), async (name, place, bit) => {
      assert.equal(await flipped(written, name, place, bit), 'refused')
    }),
    { numRuns: 100 },
  )
})

test('a folder without one of its files is refused, not opened as a new one', async () => {
  using written = await Written.make({ seed: SEED, commits: 20 }, (engine) => engine.flush())
  const kept = new Set(['LOCK', 'LOG', 'LOG.old'])
  for (const name of readdirSync(written.folder).filter((name) => !kept.has(name))) {
    const copy = written.copy()
    rmSync(join(copy, name))
    await assert.rejects(written.opened(copy), isDamage, name)
  }
})

test('what is left of a store that was killed while it was first made opens as a new one', async () => {
  using written = await Written.make({ seed: SEED, commits: 1 })
  const copy = written.copy()
  for (const name of readdirSync(copy)) if (!name.startsWith('LO')) rmSync(join(copy, name))
  for (const name of ['MANIFEST-000001', '000001.dbtmp']) writeFileSync(join(copy, name), 'MANIF')
  assert.deepEqual(await written.opened(copy), { commits: 0, lines: [] })
})

test('a log that was cut off is refused where a later one goes on, and taken where none does', async () => {
  using written = await Written.make({ seed: SEED, commits: 20 })
  const [name] = written.files('.log')
  const records: Buffer[] = []
  walkLog(join(written.folder, name), (record) => records.push(Buffer.from(record)))
  const [older, newer] = [records.slice(0, 8), records.slice(8)].map((part) => encodeLog(part))
  const later = '000099.log'
  const attempt = async (olderBytes: Uint8Array, newerBytes: Uint8Array) => {
    const copy = written.copy()
    writeFileSync(join(copy, name), olderBytes)
    writeFileSync(join(copy, later), newerBytes)
    return written.opened(copy)
  }
  assert.deepEqual(await attempt(older.bytes, newer.bytes), { commits: 20, lines: [] })
  const cut = older.bytes.subarray(0, older.bytes.length - 1)
  await assert.rejects(attempt(cut, newer.bytes), isDamage)
  // A whole batch is missing between the two.
  await assert.rejects(attempt(older.bytes.subarray(0, older.ends[6]), newer.bytes), isDamage)
  await assert.rejects(attempt(newer.bytes, older.bytes), isDamage)
  for (const nothing of [newer.bytes.subarray(0, 0), newer.bytes.subarray(0, 20)]) {
    const { commits, lines } = await attempt(cut, nothing)
    assert.equal(commits, 6)
    assert.equal(lines.length, nothing.length > 0 ? 2 : 1)
  }
})
