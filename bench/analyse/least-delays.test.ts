// The least time between DCs: the shortest way over the links, and nothing where a fault changed a delay.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultFacts } from '../contract/fault.ts'
import type { Topology } from '../contract/topology.ts'
import { leastDelaysUs } from './least-delays.ts'

const DCS = ['a', 'b', 'c']
const DELAYS_MS: Readonly<Record<string, number>> = { 'a b': 10, 'b c': 20, 'a c': 90, 'b a': 10, 'c b': 20, 'c a': 25 }
const TOPOLOGY: Topology = {
  dcs: DCS.map((name, index) => ({ name, index })),
  links: Object.entries(DELAYS_MS).map(([pair, delayMs]) => {
    const [from, to] = pair.split(' ')
    return { from, to, delayMs, jitterMs: pair === 'a b' ? 4 : 0 }
  }),
}

const fault = (kind: FaultFacts['kind']): FaultFacts => ({
  name: `${kind} c>b`,
  kind,
  dcs: ['b', 'c'],
  links: [{ from: 'c', to: 'b' }],
  services: [],
  startUs: 1,
  mendUs: 2,
  endUs: 3,
})

test('the least delay is that of the link less its jitter, or of a shorter way over another DC', () => {
  assert.deepEqual(leastDelaysUs(TOPOLOGY), [0, 6000, 26_000, 10_000, 0, 20_000, 25_000, 20_000, 0])
})

test('a link whose delay a fault changed promises nothing, a cut one all that it did', () => {
  assert.deepEqual(leastDelaysUs(TOPOLOGY, [fault('cut')]), leastDelaysUs(TOPOLOGY))
  assert.deepEqual(leastDelaysUs(TOPOLOGY, [fault('slow')]).slice(6), [10_000, 0, 0])
})
