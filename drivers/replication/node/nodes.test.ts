// What an admin and a stranger get from nodes, whatever the engine.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Driver } from '../../../bench/contract/driver.ts'
import { OUTCOME } from '../../../bench/contract/outcome.ts'
import { loadedDot } from '../../../bench/lib/dot.ts'
import { joiningDirectly } from '../../../bench/joining.fixture.ts'
import { lsm } from '../../lsm/driver.ts'
import { memory } from '../../memory/driver.ts'
import { NodeConnection } from './connection.ts'
import { frameOf } from './frame.ts'
import { MESSAGE, ROLE, encodeHello } from './message.ts'
import { Nodes, SECRET, Writer, consecutive, loadedRows, maker, until } from './nodes.fixture.ts'

const drivers: readonly Driver[] = [lsm, memory]

for (const driver of drivers) {
  test(`${driver.name}: loaded rows are in every DC, whole, and are read back by bucket and by key`, async () => {
    await using nodes = await Nodes.start(driver)
    await using admin = await nodes.admin()
    const progress: number[] = []
    await admin.prepare()
    await admin.load(loadedRows, (rows) => progress.push(rows))
    await admin.replicate(joiningDirectly(nodes.endpoints))
    assert.equal(progress.at(-1), 5000)
    const west = await admin.digest('west', { buckets: 16 })
    const east = await admin.digest('east', { buckets: 16, keys: Float64Array.from(consecutive(0, 6000)) })
    assert.deepEqual([east.counts, east.sums, east.xors], [west.counts, west.sums, west.xors])
    assert.equal(
      west.counts.reduce((sum, count) => sum + count),
      5000,
    )
    assert.ok(west.endedUs >= west.startedUs)
    const found: number[] = []
    for (let bucket = 0; bucket < 3; bucket++) {
      for await (const rows of admin.rows('east', { bucket, buckets: 3 })) {
        rows.keys.forEach((key, i) => {
          assert.equal(key % 3, bucket)
          assert.equal(rows.dots[i], loadedDot(key))
          assert.deepEqual(Uint8Array.from(rows.contents[i]), maker.expected(loadedDot(key)))
          found.push(key)
        })
      }
    }
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      consecutive(0, 5000),
    )
    const some: number[] = []
    for await (const rows of admin.rows('west', { keys: Float64Array.of(7, 4999, 5000, 123) })) some.push(...rows.keys)
    assert.deepEqual(some, [7, 4999, 123])
    assert.deepEqual(
      (await admin.backlog()).map(({ amount }) => amount),
      [0, 0],
    )
    await admin.flush()
  })

  test(`${driver.name}: reads show the writes before them, and conflicts are counted where they lose`, async () => {
    await using nodes = await Nodes.start(driver)
    await using admin = await nodes.admin()
    await admin.replicate(joiningDirectly(nodes.endpoints))
    await using west = await nodes.open('west')
    await using east = await nodes.open('east')
    const batches = [new Writer(0).batch(consecutive(0, 200)), new Writer(1).batch(consecutive(0, 200))]
    // Both are sent before either can have heard of the other.
    const [first, , seen] = await Promise.all([
      west.write(batches[0]),
      east.write(batches[1]),
      west.read(batches[0].keys),
    ])
    assert.equal(first.outcome, OUTCOME.ok)
    assert.ok(seen.dots.every((dot, i) => dot === batches[0].dots[i] || dot === batches[1].dots[i]))
    await until('equal digests', async () => {
      const [a, b] = await Promise.all(['west', 'east'].map((dc) => admin.digest(dc, { buckets: 1 })))
      return a.sums[0] === b.sums[0] && a.counts[0] === 200 && b.counts[0] === 200
    })
    await until('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
    const { conflictsReported, own } = await admin.counters()
    assert.equal(own.applied_rows + own.discarded_rows, 400)
    assert.equal(conflictsReported?.count, own.discarded_rows)
  })
}

test('a node refuses strangers and noise, says so in its counters, and goes on serving', async () => {
  await using nodes = await Nodes.start(memory)
  await using admin = await nodes.admin()
  const address = nodes.endpoints.west.node
  const hello = { role: ROLE.client, dcIndex: 0, secret: SECRET }
  await assert.rejects(
    NodeConnection.open({ address, hello: { ...hello, secret: SECRET.replace('0', '1') }, timeoutMs: 2000 }),
    /cannot be reached/,
  )
  const greeting = frameOf(MESSAGE.hello, 1, encodeHello(hello))
  const noises = [
    Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
    frameOf(MESSAGE.write, 1, Buffer.alloc(4)),
    Buffer.concat([greeting, frameOf(MESSAGE.write, 2, Buffer.from([255, 255, 255, 255]))]),
    Buffer.concat([greeting, frameOf(MESSAGE.read, 2, Buffer.alloc(7))]),
    Buffer.concat([greeting, frameOf(MESSAGE.digest, 2, Buffer.alloc(5))]),
    Buffer.concat([greeting, frameOf(99, 2, Buffer.alloc(0))]),
    Buffer.concat([greeting, frameOf(MESSAGE.stream, 2, Buffer.alloc(16))]),
  ]
  for (const noise of noises) {
    const socket = connect(address.port, address.host)
    socket.write(noise)
    socket.resume()
    await once(socket, 'close')
  }
  const { own } = await admin.counters()
  assert.equal(own.refused_connections, 1)
  assert.equal(own.malformed_connections, noises.length)
  await using session = await nodes.open('west')
  assert.equal((await session.write(new Writer(0).batch([1]))).outcome, OUTCOME.ok)
})

test('a load whose admin is closed meanwhile fails once, and nothing fails unheard', async () => {
  await using nodes = await Nodes.start(memory)
  const admin = await nodes.admin()
  await admin.prepare()
  const unheard: unknown[] = []
  const listen = (error: unknown) => unheard.push(error)
  process.on('unhandledRejection', listen)
  try {
    /** The same rows over and over: more than can be answered before the close. */
    const endless = function* () {
      for (let round = 0; round < 200; round++) yield* loadedRows()
    }
    let closing: PromiseLike<void> | undefined
    const loading = admin.load(endless, () => {
      closing ??= admin[Symbol.asyncDispose]()
    })
    await assert.rejects(loading, { name: 'BenchError', code: 'STORE' })
    await closing
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(unheard, [])
  } finally {
    process.off('unhandledRejection', listen)
  }
})
