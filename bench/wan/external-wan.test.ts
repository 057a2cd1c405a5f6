// Round trips between the harness and servers that are not ours, on listeners of the test.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { test } from 'node:test'
import type { BenchError } from '../contract/errors.ts'
import { externalWan } from './external-wan.ts'
import { Pinger } from './pinger.ts'

const TOPOLOGY = {
  dcs: [
    { name: 'us-east', index: 0 },
    { name: 'eu-west', index: 1 },
  ],
  links: [
    { from: 'us-east', to: 'eu-west', delayMs: 0, jitterMs: 0, isUnknown: true as const },
    { from: 'eu-west', to: 'us-east', delayMs: 0, jitterMs: 0, isUnknown: true as const },
  ],
}

const signal = AbortSignal.timeout(30_000)
const listening = async (): Promise<Server> => {
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}
const portOf = (server: Server) => (server.address() as AddressInfo).port
const wanOf = (ports: readonly number[]) =>
  externalWan(
    Object.fromEntries(
      TOPOLOGY.dcs.map(({ name, index }) => [name, { sql: { host: 'localhost', port: ports[index] } }]),
    ),
  )

test('every DC is timed from the harness, and no nominal round trip is claimed', async () => {
  const servers = [await listening(), await listening()]
  let said = 0
  for (const server of servers) server.on('connection', (socket) => socket.on('data', () => said++))
  try {
    await using pings = await wanOf(servers.map(portOf)).pings(TOPOLOGY)
    await pings.connect(() => assert.fail('no route of ours'), {})
    const verified = await new Pinger(TOPOLOGY, pings).verify(signal)
    assert.deepEqual(
      verified.map(({ from, to, nominalRttMs, samples }) => [from, to, nominalRttMs, samples]),
      [
        ['harness', 'us-east', null, 30],
        ['harness', 'eu-west', null, 30],
      ],
    )
    assert.ok(verified.every(({ p50Ms, p99Ms }) => p50Ms > 0 && p50Ms <= p99Ms))
    assert.equal(said, 0)
  } finally {
    for (const server of servers) server.close()
  }
})

test('a port at which nobody listens is told in one sentence', async () => {
  const server = await listening()
  const dead = await listening()
  const deadPort = portOf(dead)
  dead.close()
  try {
    await using pings = await wanOf([portOf(server), deadPort]).pings(TOPOLOGY)
    await assert.rejects(
      pings.connect(() => assert.fail('no route of ours'), {}),
      (error: BenchError) =>
        error.code === 'SERVERS' &&
        /The port sql of eu-west cannot be reached .*ECONNREFUSED.*: see that its server runs/.test(error.message),
    )
  } finally {
    server.close()
  }
})

test('pings that do not come back are told as what they are: connections to servers of the user’s', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  await using pings = await wanOf([1, 2]).pings(TOPOLOGY)
  const verifying = new Pinger(TOPOLOGY, pings).verify(signal)
  context.mock.timers.tick(60_000)
  await assert.rejects(
    verifying,
    (error: BenchError) =>
      error.code === 'SERVERS' &&
      /^Connections from harness to us-east do not open any more, .*\.$/.test(error.message),
  )
})

test('there is no link to set and none to count', async () => {
  using links = await wanOf([1, 2]).control(TOPOLOGY, {})
  assert.deepEqual(await links.counters(), [])
  await assert.rejects(links.set('us-east', 'eu-west', { condition: 'hold' }), /not ours to change/)
})
