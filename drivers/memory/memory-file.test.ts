// What was committed to a memory node's file is there again after the node was killed, and what a crash cut off is not.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isHit } from './planted-faults.ts'
import { memory } from './driver.ts'
import { CHANGE, MemoryFile } from './memory-file.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { Nodes, Writer, consecutive, until } from '../replication/node/nodes.fixture.ts'

function replayed(folder: string): { keys: number[]; bytes: number } {
  const keys: number[] = []
  const file = new MemoryFile(folder, (kind, key, _b, _c, bytes) => {
    if (kind !== CHANGE.row) return
    assert.equal(bytes.toString('utf8'), `row ${key}`)
    keys.push(key)
  })
  file.close()
  return { keys, bytes: file.bytes }
}

test('a torn commit at the end is cut off whole, wherever it was torn, and the file goes on behind it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-memory-'))
  try {
    const path = join(folder, 'commits')
    const file = new MemoryFile(folder, () => assert.fail())
    const ends = [1, 2, 3].map((commit) => {
      for (const key of [10 * commit, 10 * commit + 1]) file.add(CHANGE.row, [key], Buffer.from(`row ${key}`))
      file.commit(commit, 0)
      return file.bytes
    })
    file.close()
    const whole = readFileSync(path)
    for (let length = ends[1]; length < ends[2]; length += 7) {
      writeFileSync(path, whole.subarray(0, length))
      assert.deepEqual(replayed(folder), { keys: [10, 11, 20, 21], bytes: ends[1] }, `cut at ${length}`)
    }
    writeFileSync(path, whole.subarray(0, ends[1] + 5))
    const again = new MemoryFile(folder, () => undefined)
    again.add(CHANGE.row, [40], Buffer.from('row 40'))
    again.commit(4, 0)
    again.close()
    assert.deepEqual(replayed(folder).keys, [10, 11, 20, 21, 40])
    appendFileSync(path, Buffer.alloc(3))
    assert.deepEqual(replayed(folder).keys, [10, 11, 20, 21, 40])
    truncateSync(path, 0)
    assert.deepEqual(replayed(folder), { keys: [], bytes: 0 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a file with any bit flipped is refused, and left as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-memory-'))
  try {
    const path = join(folder, 'commits')
    const file = new MemoryFile(folder, () => assert.fail())
    for (const commit of [1, 2, 3]) {
      file.add(CHANGE.row, [commit], Buffer.from(`row ${commit}`))
      file.commit(commit, 0)
    }
    file.close()
    const whole = readFileSync(path)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(whole)
        damaged[at] ^= 1 << bit
        writeFileSync(path, damaged)
        assert.throws(() => new MemoryFile(folder, () => undefined), { code: 'FORMAT', message: /commits is damaged/ })
        assert.deepEqual(readFileSync(path), damaged)
      }),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a durable node that is killed has all that it acknowledged, but for what it was told to lose then', async (t) => {
  const share = 0.1
  await using nodes = await Nodes.start(memory, { durable: 'true', lose_at_crash: String(share) })
  t.diagnostic(`seed ${nodes.plan.seed}`)
  await using admin = await nodes.admin()
  await admin.replicate(joiningDirectly(nodes.endpoints))
  const west = await nodes.open('west')
  const east = await nodes.open('east')
  const writer = new Writer(0)
  const dotOf = new Map<number, number>()
  for (let from = 0; from < 2000; from += 250) {
    const batch = writer.batch(consecutive(from, 250))
    assert.equal((await west.write(batch)).outcome, OUTCOME.ok)
    batch.keys.forEach((key, i) => dotOf.set(key, batch.dots[i]))
  }
  const foreign = new Writer(1).batch(consecutive(3000, 500))
  assert.equal((await east.write(foreign)).outcome, OUTCOME.ok)
  await until('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
  const lost = [...dotOf].filter(([, dot]) => isHit('loseAtCrash', share, nodes.plan.seed, dot)).map(([key]) => key)
  assert.ok(lost.length > 120)
  const standing = async () =>
    (await admin.counters()).planted?.map((fault) => [fault.name, fault.rows, fault.standing])
  const ofEast = [...foreign.dots].filter((dot) => isHit('loseAtCrash', share, nodes.plan.seed, dot)).length
  assert.deepEqual(await standing(), [['lose_at_crash', lost.length + ofEast, 0]])
  await nodes.end('west', 'SIGKILL')
  await nodes.run('west')
  await west[Symbol.asyncDispose]()
  await using again = await nodes.open('west')
  const keys = Float64Array.from([...dotOf.keys(), ...foreign.keys])
  const expected = [...dotOf].map(([key, dot]) => (lost.includes(key) ? 0 : dot))
  assert.deepEqual([...(await again.read(keys)).dots], [...expected, ...foreign.dots])
  // The other DC has them all: it is one DC that lost them.
  assert.deepEqual([...(await east.read(keys)).dots], [...dotOf.values(), ...foreign.dots])
  assert.deepEqual(await standing(), [['lose_at_crash', lost.length + ofEast, lost.length]])
  // The streams go on where they were, and a later row makes a lost one good.
  const later = new Writer(1).batch([lost[0], lost[1]])
  assert.equal((await east.write(later)).outcome, OUTCOME.ok)
  await until('the later rows', async () =>
    (await again.read(later.keys)).dots.every((dot, i) => dot === later.dots[i]),
  )
  assert.deepEqual(await standing(), [['lose_at_crash', lost.length + ofEast, lost.length - 2]])
  const { own } = await admin.counters()
  assert.equal(own.log_gap_rows + own.repeated_rows, 0, 'what was applied before the kill was forgotten')
  await east[Symbol.asyncDispose]()
})
