// What is no change reaches no link, and what are no counters reach no report.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { serveControl } from '../lib/control.ts'
import { linkChangeIn, linkCountersIn } from './link-words.ts'
import { RelayClient } from './relay-client.ts'
import { connectTo, startRelay } from './relay.fixture.ts'

const FORMAT = { name: 'BenchError', code: 'FORMAT' }
const CHANGE = {
  from: 'a',
  to: 'b',
  change: { delayMs: 5, jitterMs: 0.5, bandwidthBytesPerSecond: 1000, condition: 'hold' },
}
const COUNTERS = [{ from: 'a', to: 'b', payloadBytes: 1, heldBytes: 0, connections: 2, condition: 'open' }]
/** What no field of a link is. */
const NEVER = [undefined, 'never', -1, Number.NaN, Number.POSITIVE_INFINITY, true, [], { a: 1 }]
/** The same object with each of its fields broken in turn, as it is after its way over the channel. */
const broken = (good: object): unknown[] =>
  Object.keys(good).flatMap((name) => NEVER.map((bad) => ({ ...good, [name]: bad })))

test('a change is taken as it is, or refused whole', () => {
  assert.deepEqual(linkChangeIn(CHANGE), CHANGE)
  assert.deepEqual(linkChangeIn({ ...CHANGE, change: {} }), { ...CHANGE, change: {} })
  const unlimited = { ...CHANGE, change: { bandwidthBytesPerSecond: null } }
  assert.deepEqual(linkChangeIn(unlimited), unlimited)
  const changes = [
    ...broken(CHANGE.change),
    { delayMs: null },
    { bandwidthBytesPerSecond: 0 },
    { toString: 1 },
    null,
    [],
  ]
  for (const change of changes) assert.throws(() => linkChangeIn({ ...CHANGE, change }), FORMAT, JSON.stringify(change))
  for (const name of ['from', 'to']) assert.throws(() => linkChangeIn({ ...CHANGE, [name]: 7 }), FORMAT)
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.throws(() => linkChangeIn(value), FORMAT)
      assert.throws(() => linkCountersIn([value]), FORMAT)
    }),
  )
})

test('counters are taken as they are, or refused', () => {
  assert.deepEqual(linkCountersIn(COUNTERS), COUNTERS)
  const named = broken(COUNTERS[0]).filter(
    (bad) => !['from', 'to'].some((end) => (bad as Record<string, unknown>)[end] === 'never'),
  )
  for (const bad of [null, {}, 'x', ...named.map((one) => [one])]) assert.throws(() => linkCountersIn(bad), FORMAT)
})

test('a relay that is told nonsense refuses it and carries on as before', { timeout: 15_000 }, async () => {
  await using relay = await startRelay((socket) => socket.pipe(socket), { delayMs: 5 })
  const socket = await connectTo(relay.entry)
  const nonsense: readonly Record<string, unknown>[] = [
    { delayMs: 'long' },
    { condition: 'shut' },
    { bandwidthBytesPerSecond: -1 },
    { speed: 9 },
  ]
  for (const change of nonsense) {
    await assert.rejects(relay.set('a', change), { name: 'BenchError', code: 'BUG' })
    socket.write('ping')
    assert.equal(String((await once(socket, 'data'))[0]), 'ping')
  }
  const [there] = await relay.counters()
  assert.deepEqual([there.payloadBytes, there.condition], [16, 'open'])
  socket.destroy()
})

test('a relay whose counters cannot be read is told of with FORMAT', async () => {
  let counters: unknown = COUNTERS
  const server = await serveControl({ host: '127.0.0.1', port: 0 }, { counters: () => counters })
  const { port } = server.address() as AddressInfo
  using client = await RelayClient.open({ host: '127.0.0.1', port })
  assert.deepEqual(await client.counters(), COUNTERS)
  counters = [{ ...COUNTERS[0], payloadBytes: null }]
  await assert.rejects(client.counters(), FORMAT)
  counters = COUNTERS
  assert.deepEqual(await client.counters(), COUNTERS)
  server.close()
})
