// Planted faults hit exactly the rows that can be computed beforehand, and are counted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Admin, Session } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { Nodes, Writer, consecutive, maker, until } from '../replication/node/nodes.fixture.ts'
import { memory } from './driver.ts'
import { isHit } from './planted-faults.ts'

async function drained(admin: Admin): Promise<void> {
  await until('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
}

/** Two memory nodes that replicate, and a session on each. */
async function startPair(settings: Readonly<Record<string, string>>) {
  await using opened = new AsyncDisposableStack()
  const nodes = opened.use(await Nodes.start(memory, settings))
  const admin = opened.use(await nodes.admin())
  await admin.replicate(joiningDirectly(nodes.endpoints))
  const west = opened.use(await nodes.open('west'))
  const east = opened.use(await nodes.open('east'))
  const all = opened.move()
  return { nodes, admin, west, east, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

test('lost rows stay at home, rows lost everywhere are nowhere, and both are counted', async () => {
  await using pair = await startPair({ lose: '0.1', lose_everywhere: '0.05' })
  const { nodes, admin, west, east } = pair
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
  await using pair = await startPair({ duplicate: '0.2' })
  const { nodes, admin, west, east } = pair
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
  await using pair = await startPair({ delay: '150', slow_ack: '60' })
  const { west, east } = pair
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

/** What of the faults was told by the store, by name: rows hit, and of them standing. */
async function told(admin: Admin): Promise<Record<string, [rows: number, standing: number]>> {
  const { planted = [] } = await admin.counters()
  return Object.fromEntries(planted.map(({ name, metric, rows, standing }) => [`${name} ${metric}`, [rows, standing]]))
}

/** Both DCs write the same rows while neither hears of the other: the second writer's have the higher versions. */
async function bothWrite(nodes: Nodes, west: Session, east: Session): Promise<{ first: RowBatch; second: RowBatch }> {
  const first = new Writer(0).batch(consecutive(0, 1000))
  const second = new Writer(1).batch(consecutive(0, 1000))
  // What it is sent meanwhile gathers before its door: it takes the local rows and those of the other DC in one go.
  nodes.signal('west', 'SIGSTOP')
  const later = west.write(first)
  assert.equal((await east.write(second)).outcome, OUTCOME.ok)
  nodes.signal('west', 'SIGCONT')
  assert.equal((await later).outcome, OUTCOME.ok)
  return { first, second }
}

test('a swapped row takes the place of a newer local one, until a later row makes it good', async () => {
  await using pair = await startPair({ swap: '0.3' })
  const { nodes, admin, west, east } = pair
  const { first, second } = await bothWrite(nodes, west, east)
  await drained(admin)
  const hits = [...first.dots].filter((dot) => isHit('swap', 0.3, nodes.plan.seed, dot))
  const expected = [...second.dots].map((dot, i) => (hits.includes(first.dots[i]) ? first.dots[i] : dot))
  assert.deepEqual([...(await west.read(first.keys)).dots], [...second.dots])
  assert.deepEqual([...(await east.read(first.keys)).dots], expected)
  assert.ok(hits.length > 200)
  assert.deepEqual(await told(admin), { 'swap divergent_rows': [hits.length, hits.length] })
  const mended = new Writer(1).batch(consecutive(0, 500))
  assert.equal((await east.write(mended)).outcome, OUTCOME.ok)
  const left = hits.filter((dot) => first.keys[first.dots.indexOf(dot)] >= 500).length
  assert.deepEqual(await told(admin), { 'swap divergent_rows': [hits.length, left] })
})

test('a mixed row has the newer write’s dot and content that no write made, in one DC', async () => {
  await using pair = await startPair({ mix: '0.4' })
  const { nodes, admin, west, east } = pair
  const { first, second } = await bothWrite(nodes, west, east)
  await drained(admin)
  const mixed = async (dc: string) => {
    const keys: number[] = []
    for await (const rows of admin.rows(dc, { keys: first.keys })) {
      for (let i = 0; i < rows.count; i++) {
        assert.equal(rows.dots[i], second.dots[rows.keys[i]])
        if (!maker.matches(rows.dots[i], rows.contents[i])) keys.push(rows.keys[i])
      }
    }
    return keys
  }
  const hit = [...first.keys].filter((_, i) => isHit('mix', 0.4, nodes.plan.seed, second.dots[i]))
  const found = await mixed('west')
  assert.deepEqual(await mixed('east'), [])
  // Where the two writes have a column in common by chance there is nothing to mix.
  assert.ok(found.every((key) => hit.includes(key)))
  assert.ok(found.length > hit.length * 0.95 && hit.length > 300)
  assert.deepEqual(await told(admin), { 'mix mixed_rows': [found.length, found.length] })
})

test('a resurrected row comes back as it was, unless a newer one is there by then', async () => {
  await using pair = await startPair({ resurrect: '0.5' })
  const { nodes, admin, west, east } = pair
  const writer = new Writer(0)
  const before = writer.batch(consecutive(0, 400))
  const after = writer.batch(consecutive(0, 400))
  const deletes = { ...after, operations: new Uint8Array(400).fill(OPERATION.delete) }
  assert.equal((await west.write(before)).outcome, OUTCOME.ok)
  assert.equal((await west.write(deletes)).outcome, OUTCOME.ok)
  // In the same moment, before the rows come back.
  const again = writer.batch(consecutive(0, 100))
  assert.equal((await west.write(again)).outcome, OUTCOME.ok)
  const hit = [...deletes.dots].map((dot) => isHit('resurrect', 0.5, nodes.plan.seed, dot))
  const expected = hit.map((is, i) => (i < 100 ? again.dots[i] : is ? before.dots[i] : deletes.dots[i]))
  await until('the rows that come back', async () =>
    (await east.read(before.keys)).dots.every((dot, i) => dot === expected[i]),
  )
  const back = hit.filter((is, i) => is && i >= 100).length
  assert.deepEqual(await told(admin), { 'resurrect resurrected_rows': [back, back] })
  assert.ok(back > 100)
  assert.deepEqual([...(await west.read(before.keys)).dots].slice(100), [...deletes.dots].slice(100))
})

test('a row that is held back comes after later ones of its DC', async () => {
  await using pair = await startPair({ reorder: '0.1', reorder_by: '300ms' })
  const { nodes, admin, west, east } = pair
  const writer = new Writer(0)
  // As in a run, the rows of a batch have one version: none of them can overtake another.
  const batches = [0, 1, 2].map((i) => {
    const batch = writer.batch(consecutive(100 * i, 100))
    return { ...batch, versions: batch.versions.fill(batch.versions[99]) }
  })
  for (const batch of batches) assert.equal((await west.write(batch)).outcome, OUTCOME.ok)
  const keys = Float64Array.from(consecutive(0, 300))
  const dots = batches.flatMap((batch) => [...batch.dots])
  const hit = dots.map((dot) => isHit('reorder', 0.1, nodes.plan.seed, dot))
  const seen = async () => (await east.read(keys)).dots
  await until('the rows that are not held back', async () =>
    (await seen()).every((dot, i) => dot === (hit[i] ? 0 : dots[i])),
  )
  await until('the others', async () => (await seen()).every((dot, i) => dot === dots[i]))
  // Nothing of the last batch was overtaken.
  const overtaken = hit.filter((is, i) => is && i < 200).length
  assert.deepEqual(await told(admin), { 'reorder reordered': [hit.filter(Boolean).length, overtaken] })
  assert.ok(overtaken > 10)
})

test('an unknown write gets no acknowledgement, and is there or not as its dot says', async () => {
  await using pair = await startPair({ unknown: '0.3', unknown_lost: '0.4' })
  const { nodes, admin, west, east } = pair
  const batch = new Writer(0).batch(consecutive(0, 500))
  const { outcome, rowOutcomes } = await west.write(batch)
  const unknown = [...batch.dots].map((dot) => isHit('unknown', 0.3, nodes.plan.seed, dot))
  const there = [...batch.dots].map((dot, i) => !unknown[i] || !isHit('unknownLost', 0.4, nodes.plan.seed, dot))
  assert.equal(outcome, OUTCOME.ok)
  assert.deepEqual(
    [...(rowOutcomes ?? [])],
    unknown.map((is) => (is ? OUTCOME.info : OUTCOME.ok)),
  )
  await drained(admin)
  const expected = there.map((is, i) => (is ? batch.dots[i] : 0))
  assert.deepEqual([...(await west.read(batch.keys)).dots], expected)
  assert.deepEqual([...(await east.read(batch.keys)).dots], expected)
  const hits = unknown.filter(Boolean).length
  const stored = unknown.filter((is, i) => is && there[i]).length
  // These dots are not of the measured phase, which is what the metric `unknown` covers.
  assert.deepEqual(await told(admin), { 'unknown unknown': [hits, 0], 'unknown unknown_present': [stored, stored] })
  assert.ok(hits > 100 && stored > 50)
})
