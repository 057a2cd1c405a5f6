// Planted faults hit exactly the rows that can be computed beforehand, and are counted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Admin } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { Nodes, Writer, consecutive, until } from '../replication/node/nodes.fixture.ts'
import { memory } from './driver.ts'
import { isHit } from './planted-faults.ts'

async function drained(admin: Admin): Promise<void> {
  await until('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
}

test('lost rows stay at home, rows lost everywhere are nowhere, and both are counted', async () => {
  await using nodes = await Nodes.start(memory, { lose: '0.1', lose_everywhere: '0.05' })
  await using admin = await nodes.admin()
  await admin.replicate(() => nodes.endpoints)
  await using west = await nodes.open('west')
  await using east = await nodes.open('east')
  const writer = new Writer(0)
  const written: { key: number; dot: number }[] = []
  for (let from = 0; from < 4000; from += 500) {
    const batch = writer.batch(consecutive(from, 500))
    assert.equal((await west.write(batch)).outcome, OUTCOME.ok)
    batch.keys.forEach((key, i) => written.push({ key, dot: batch.dots[i] }))
  }
  await drained(admin)
  const nowhere = (dot: number) => isHit('loseEverywhere', 0.05, nodes.plan.seed, dot)
  const lost = (dot: number) => !nowhere(dot) && isHit('lose', 0.1, nodes.plan.seed, dot)
  const keys = Float64Array.from(written, ({ key }) => key)
  const home = await west.read(keys)
  const away = await east.read(keys)
  assert.deepEqual(
    [...home.dots],
    written.map(({ dot }) => (nowhere(dot) ? 0 : dot)),
  )
  assert.deepEqual(
    [...away.dots],
    written.map(({ dot }) => (nowhere(dot) || lost(dot) ? 0 : dot)),
  )
  const { own } = await admin.counters()
  assert.equal(own.planted_lose_rows, written.filter(({ dot }) => lost(dot)).length)
  assert.equal(own.planted_lose_everywhere_rows, written.filter(({ dot }) => nowhere(dot)).length)
  assert.ok(own.planted_lose_rows > 250 && own.planted_lose_everywhere_rows > 120)
})

test('a duplicated row comes again over whatever is there by then', async () => {
  await using nodes = await Nodes.start(memory, { duplicate: '0.2' })
  await using admin = await nodes.admin()
  await admin.replicate(() => nodes.endpoints)
  await using west = await nodes.open('west')
  await using east = await nodes.open('east')
  const first = new Writer(0).batch(consecutive(0, 1000))
  const second = new Writer(1).batch(consecutive(0, 1000))
  // While it is paused, the rows of west and newer ones of its own gather before its door: it takes both at once.
  nodes.signal('east', 'SIGSTOP')
  await west.write(first)
  const written = east.write(second)
  await setImmediate()
  nodes.signal('east', 'SIGCONT')
  assert.equal((await written).outcome, OUTCOME.ok)
  const hit = [...first.dots].map((dot) => isHit('duplicate', 0.2, nodes.plan.seed, dot))
  const ofSecond = [...second.dots].filter((dot) => isHit('duplicate', 0.2, nodes.plan.seed, dot)).length
  const expected = hit.map((isFirst, i) => (isFirst ? first.dots[i] : second.dots[i]))
  await until('the duplicates', async () => {
    const { dots } = await east.read(first.keys)
    return dots.every((dot, i) => dot === expected[i])
  })
  await drained(admin)
  const { own } = await admin.counters()
  assert.equal(own.planted_duplicate_rows, hit.filter(Boolean).length + ofSecond)
  assert.equal(own.planted_regressed_rows, hit.filter(Boolean).length)
  assert.ok(own.planted_regressed_rows > 100)
})

test('a delay holds remote rows back in their order, and a slow acknowledgement comes late', async () => {
  await using nodes = await Nodes.start(memory, { delay: '150', slow_ack: '60' })
  await using admin = await nodes.admin()
  await admin.replicate(() => nodes.endpoints)
  await using west = await nodes.open('west')
  await using east = await nodes.open('east')
  const writer = new Writer(0)
  const sentMs = performance.now()
  const writes = consecutive(0, 20).map((key) => west.write(writer.batch([key])))
  await Promise.all(writes)
  assert.ok(performance.now() - sentMs >= 59)
  const keys = Float64Array.from(consecutive(0, 20))
  await until('all rows', async () => {
    const seen = [...(await east.read(keys)).dots].map((dot) => dot > 0)
    assert.equal(seen.lastIndexOf(true), seen.filter(Boolean).length - 1, 'a later row was there before an earlier one')
    return seen.every(Boolean)
  })
  assert.ok(performance.now() - sentMs >= 149)
})
