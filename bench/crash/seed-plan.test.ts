// The plans of seeds: repeatable, within their bounds, and between them everything that can be killed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseScenario } from '../cli/scenario-schema.ts'
import { seedPlan, victimsOf } from './seed-plan.ts'

const SERVICES = [
  { name: 'store us-east', dc: 'us-east' },
  { name: 'store eu-west', dc: 'eu-west' },
  { name: 'cdc us-east>eu-west', dc: 'eu-west' },
]
const VICTIMS = victimsOf(SERVICES, { dcs: [{ name: 'us-east' }, { name: 'eu-west' }], links: [] } as never)
const SYSTEM = { modes: ['batch', 'single'], victims: VICTIMS }
const SEEDS = 300

test('services and relays are named as --fault wants them', () => {
  assert.deepEqual(VICTIMS, [
    'us-east/store-us-east',
    'eu-west/store-eu-west',
    'eu-west/cdc-us-east>eu-west',
    'us-east|eu-west',
  ])
})

test('a seed is the same plan every time, and another seed another one', () => {
  assert.deepEqual(seedPlan(7, SYSTEM), seedPlan(7, SYSTEM))
  assert.notDeepEqual(seedPlan(7, SYSTEM).options, { ...seedPlan(8, SYSTEM).options, seed: '7' })
})

test(`${SEEDS} seeds are scenarios, whose kills end within the measured phase and leave a victim time to come back`, () => {
  const hit = new Set<string>()
  const seen = new Set<unknown>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { options, rowsPerSecond } = seedPlan(seed, SYSTEM)
    const { faults, durationMs, overlap, workload } = parseScenario({ ...options, driver: 'lsm', quick: true })
    assert.ok(faults.length >= 1 && rowsPerSecond >= 500 && rowsPerSecond <= 3000)
    assert.ok(workload !== 'counter' || overlap === 0, 'sums are exact where each key has one writing DC')
    for (const { name, kind, startMs, lengthMs } of faults) {
      assert.equal(kind, 'kill')
      assert.ok(startMs > 0 && startMs + lengthMs < durationMs)
      const victim = name.replace(/ #\d+$/, '')
      hit.add(victim)
      const later = faults.filter((other) => other.name.replace(/ #\d+$/, '') === victim && other.startMs > startMs)
      for (const other of later) assert.ok(other.startMs >= startMs + lengthMs + 1000)
    }
    for (const value of [workload, options['mode'], faults.length, options['skew'], options['delay']]) seen.add(value)
  }
  assert.deepEqual([...hit].sort(), VICTIMS.map((victim) => `kill ${victim}`).sort())
  for (const value of ['profiles', 'counter', 'batch', 'single', 1, 4, '0', '0.99', '1ms', '40ms']) {
    assert.ok(seen.has(value), `${value} never drawn`)
  }
})
