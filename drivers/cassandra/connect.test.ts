// A client that is ended leaves no connection, whatever it was doing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delay } from '../../bench/lib/clock.ts'
import { connect, disconnect } from './connect.ts'
import { startCqlServer } from './cql-server.fixture.ts'
import { cqlPort } from './names.ts'

const DC = { name: 'us-east', index: 0 }
const WITHIN_MS = 3000

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + WITHIN_MS
  while (!holds()) {
    assert.ok(performance.now() < endMs, what)
    await delay(5)
  }
}

const reach = (port: number, signal: AbortSignal) =>
  connect(
    { [DC.name]: { [cqlPort(0)]: { host: '127.0.0.1', port } } },
    { dc: DC, copies: 1, connections: 1, timeoutMs: 1000 },
    signal,
  )

test(
  'a client that was finding its server again when it was ended leaves no connection',
  { timeout: 10_000 },
  async () => {
    await using server = await startCqlServer(DC.name)
    const client = await reach(server.port, new AbortController().signal)
    assert.ok(server.open() > 0)
    server.breakAndHold()
    await until('the client asks again who the server is', () => server.held() > 0)
    await disconnect(client)
    server.release()
    await until(`${server.open()} connections stay open`, () => server.open() === 0)
    // Longer than the client waits before it connects again.
    await delay(400)
    assert.equal(server.open(), 0)
  },
)

test('a client that is given up while it connects leaves no connection', { timeout: 10_000 }, async () => {
  await using server = await startCqlServer(DC.name)
  server.breakAndHold()
  const giveUp = new AbortController()
  const opening = reach(server.port, giveUp.signal)
  await until('the client asks who the server is', () => server.held() > 0)
  giveUp.abort(new Error('given up'))
  await assert.rejects(opening, /given up/)
  server.release()
  await until('a connection stays open', () => server.open() === 0)
  await delay(400)
  assert.equal(server.open(), 0)
})
