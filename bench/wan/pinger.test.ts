// Pings over real relays: what the pinger reports is what a client sees, and a wrong WAN is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Topology } from '../contract/topology.ts'
import { Pinger } from './pinger.ts'
import { startRelay } from './relay.fixture.ts'
import { ThreadPings } from './thread-pings.ts'

const SIGNAL = new AbortController().signal
const LIMIT = { timeout: 15_000 }

function topologyOf(delayMs: number): Topology {
  return {
    dcs: [
      { name: 'a', index: 0 },
      { name: 'b', index: 1 },
    ],
    links: [
      { from: 'a', to: 'b', delayMs, jitterMs: 0 },
      { from: 'b', to: 'a', delayMs, jitterMs: 0 },
    ],
  }
}

test('the pinger verifies the delay, goes on sampling, and sees a link that changes or is cut', LIMIT, async (t) => {
  const topology = topologyOf(15)
  await using pings = await ThreadPings.open(topology)
  const pinger = new Pinger(topology, pings)
  const [{ target }] = pings.routes
  assert.deepEqual(
    pings.routes.map(({ from, to, counted }) => ({ from, to, counted })),
    [
      { from: 'a', to: 'b', counted: false },
      { from: 'b', to: 'a', counted: false },
    ],
  )
  assert.ok(target)
  await using relay = await startRelay(target, { delayMs: 15 })
  await pings.connect(() => relay.quiet)
  const verified = await pinger.verify(SIGNAL)
  t.diagnostic(JSON.stringify(verified))
  assert.equal(verified.length, 2)
  for (const { nominalRttMs, p50Ms, samples } of verified) {
    assert.deepEqual([nominalRttMs, samples], [30, 30])
    assert.ok(p50Ms > 29.9 && p50Ms < 32.5, `${p50Ms} ms`)
  }
  pinger.drain()
  pinger.start(10)
  const next = async (holds: (rttMs: number) => boolean): Promise<void> => {
    for (let tries = 0; !pinger.drain().some(({ rttMs }) => holds(rttMs)); tries++) {
      assert.ok(tries < 300, 'no such ping')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  await next((rttMs) => rttMs > 29.9 && rttMs < 40)
  await relay.set('b', { delayMs: 45 })
  await next((rttMs) => rttMs > 59.9)
  await relay.set('a', { condition: 'reset' })
  await relay.setBoth({ condition: 'open', delayMs: 5 })
  await next((rttMs) => rttMs > 9.9 && rttMs < 25)
})

test('a link with another delay than asked for is refused in one sentence', LIMIT, async () => {
  const topology = topologyOf(5)
  await using pings = await ThreadPings.open(topology)
  const pinger = new Pinger(topology, pings)
  const { target } = pings.routes[0]
  assert.ok(target)
  await using relay = await startRelay(target, { delayMs: 9 })
  await pings.connect(() => relay.quiet)
  await assert.rejects(pinger.verify(SIGNAL), {
    code: 'LINK',
    message: /^The round trip from a to b takes \d+\.\d\d ms where 10 ms were asked for: .*\.$/,
  })
})

test('waiting for pings ends when it is interrupted', LIMIT, async () => {
  const topology = topologyOf(5)
  await using pings = await ThreadPings.open(topology)
  const pinger = new Pinger(topology, pings)
  await using relay = await startRelay('refuses', { delayMs: 5 })
  await pings.connect(() => relay.quiet)
  const interrupt = new AbortController()
  setTimeout(() => interrupt.abort(new Error('enough')), 50)
  await assert.rejects(pinger.verify(interrupt.signal), { message: 'enough' })
})
