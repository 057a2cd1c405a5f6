// Links that Toxiproxy would round are refused before anything starts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Link, Topology } from '../contract/topology.ts'
import { toxiproxyWan } from './toxiproxy-wan.ts'

function topologyOf(change: Partial<Link>): Topology {
  const link = { delayMs: 40, jitterMs: 2, bandwidthBytesPerSecond: 50_000_000 }
  return {
    dcs: [
      { name: 'a', index: 0 },
      { name: 'b', index: 1 },
    ],
    links: [
      { from: 'a', to: 'b', ...link },
      { from: 'b', to: 'a', ...link, ...change },
    ],
  }
}

test('delays, jitter and bandwidths that are not whole in its units are one sentence, others make links', () => {
  for (const [change, what] of [
    [{ delayMs: 0.5 }, 'delay of 0.5 ms'],
    [{ jitterMs: 1.25 }, 'jitter of 1.25 ms'],
    [{ bandwidthBytesPerSecond: 12_500 }, 'bandwidth of 12500 bytes/s'],
  ] as const) {
    assert.throws(() => toxiproxyWan.linkServices(topologyOf(change), [], 1), {
      code: 'USAGE',
      message: new RegExp(`^The ${what} from b to a cannot be had between containers, .*: round it, or .*\\.$`),
    })
  }
  assert.equal(toxiproxyWan.linkServices(topologyOf({}), [], 1).length, 1)
})
