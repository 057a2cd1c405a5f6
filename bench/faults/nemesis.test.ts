// What the nemesis does to a ground that writes everything down.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError } from '../contract/errors.ts'
import type { FaultPlan } from '../contract/fault.ts'
import { delay, nowUs } from '../lib/clock.ts'
import type { FaultGround } from './fault-kind.ts'
import { findTargets, type FaultTargets } from './find-targets.ts'
import { Nemesis } from './nemesis.ts'

const dcs = ['us-east', 'eu-west'].map((name, index) => ({ name, index }))
const link = (from: string, to: string) => ({ from, to, delayMs: 40, jitterMs: 0, bandwidthBytesPerSecond: 5e6 })
const TARGETS: FaultTargets = {
  system: 'planted',
  topology: { dcs, links: [link('us-east', 'eu-west'), link('eu-west', 'us-east')] },
  services: [
    { name: 'store us-east', dc: 'us-east', role: 'store' },
    { name: 'store eu-west', dc: 'eu-west', role: 'store' },
    { name: 'cdc us-east>eu-west', dc: 'eu-west', role: 'replication' },
  ],
  relayBetween: () => 'link us-east~eu-west',
}

const planned = (name: string, plan: Partial<FaultPlan>): FaultPlan => ({
  name,
  kind: 'kill',
  target: { type: 'dc', dc: 'eu-west' },
  startMs: 20,
  lengthMs: 40,
  ...plan,
})

/** A ground that notes what is asked of it; starting takes `startMs`. */
function notingGround(startMs = 0): { ground: FaultGround; notes: string[] } {
  const notes: string[] = []
  const note = async (text: string) => void notes.push(text)
  return {
    notes,
    ground: {
      setLink: (from, to, change) => note(`${from}>${to} ${JSON.stringify(change)}`),
      kill: (service) => note(`kill ${service}`),
      stop: (service) => note(`stop ${service}`),
      pause: async (service) => void notes.push(`pause ${service}`),
      resume: async (service) => void notes.push(`resume ${service}`),
      start: async (service, signal) => {
        await delay(startMs, signal)
        await note(`start ${service}`)
      },
    },
  }
}

const silent = () => undefined

test('every kind does its harm for its time and mends it', async () => {
  const pair = { type: 'pair', a: 'eu-west', b: 'us-east' } as const
  for (const [plan, done, undone] of [
    [
      { kind: 'blackhole', target: pair },
      ['us-east>eu-west {"condition":"hold"}', 'eu-west>us-east {"condition":"hold"}'],
      ['us-east>eu-west {"condition":"open"}', 'eu-west>us-east {"condition":"open"}'],
    ],
    [
      { kind: 'cut', target: { type: 'link', from: 'us-east', to: 'eu-west' } },
      ['us-east>eu-west {"condition":"hold"}'],
      ['us-east>eu-west {"condition":"open"}'],
    ],
    [
      { kind: 'reset', target: pair },
      ['us-east>eu-west {"condition":"reset"}', 'eu-west>us-east {"condition":"reset"}'],
      ['us-east>eu-west {"condition":"open"}', 'eu-west>us-east {"condition":"open"}'],
    ],
    [
      { kind: 'slow', target: { type: 'link', from: 'us-east', to: 'eu-west' }, delayMs: 200 },
      ['us-east>eu-west {"delayMs":200}'],
      ['us-east>eu-west {"delayMs":40,"bandwidthBytesPerSecond":5000000}'],
    ],
    [{ kind: 'kill' }, ['kill store eu-west'], ['start store eu-west']],
    [
      { kind: 'restart', target: { type: 'service', dc: 'eu-west', service: 'cdc' } },
      ['stop cdc us-east>eu-west'],
      ['start cdc us-east>eu-west'],
    ],
    [{ kind: 'pause', target: pair }, ['pause link us-east~eu-west'], ['resume link us-east~eu-west']],
  ] as const) {
    const { ground, notes } = notingGround()
    const phaseStartUs = nowUs()
    const [happened] = await new Nemesis(findTargets([planned('it', plan)], TARGETS), ground, silent).run(
      phaseStartUs,
      new AbortController().signal,
    )
    assert.deepEqual(notes, [...done, ...undone])
    assert.ok(happened.startUs - phaseStartUs >= 19_000, 'not before its time')
    assert.ok(happened.mendUs - happened.startUs >= 39_000 && happened.endUs >= happened.mendUs, 'for its time')
  }
})

test('a fault of a service that is still starting waits until it is ready', async () => {
  const { ground, notes } = notingGround(100)
  const plans = [planned('first', {}), planned('second', { startMs: 70, lengthMs: 10 })]
  const happened = await new Nemesis(findTargets(plans, TARGETS), ground, silent).run(
    nowUs(),
    new AbortController().signal,
  )
  assert.deepEqual(notes, ['kill store eu-west', 'start store eu-west', 'kill store eu-west', 'start store eu-west'])
  assert.ok(happened[1].startUs >= happened[0].endUs)
})

test('an aborted run leaves no link held and no service paused', async () => {
  const { ground, notes } = notingGround()
  const plans = [
    planned('partition', { kind: 'blackhole', target: { type: 'pair', a: 'us-east', b: 'eu-west' }, lengthMs: 60_000 }),
    planned('pause', { kind: 'pause', lengthMs: 60_000 }),
  ]
  const ending = new AbortController()
  const interrupted = new BenchError('INTERRUPTED', 'Interrupted.')
  let started = 0
  const running = new Nemesis(findTargets(plans, TARGETS), ground, (_, what) => {
    // Both are due at once, in either order: the run is aborted when both are on.
    if (what === 'start' && ++started === plans.length) setImmediate(() => ending.abort(interrupted))
  }).run(nowUs(), ending.signal)
  await assert.rejects(running, interrupted)
  assert.deepEqual(notes.slice(-3).toSorted(), [
    'eu-west>us-east {"condition":"open"}',
    'resume store eu-west',
    'us-east>eu-west {"condition":"open"}',
  ])
})

test('a service that does not start again fails the run, and other faults are ended', async () => {
  const { ground, notes } = notingGround()
  const broken = new BenchError('SERVICE_START', 'It did not start.')
  const failing: FaultGround = { ...ground, start: () => Promise.reject(broken) }
  const plans = [
    planned('kill', {}),
    planned('cut', { kind: 'cut', target: { type: 'link', from: 'us-east', to: 'eu-west' }, lengthMs: 60_000 }),
  ]
  await assert.rejects(
    new Nemesis(findTargets(plans, TARGETS), failing, silent).run(nowUs(), new AbortController().signal),
    broken,
  )
  assert.equal(notes.at(-1), 'us-east>eu-west {"condition":"open"}')
})

test('faults that change the same thing at one time are refused, others are not', () => {
  const partition = planned('partition', { kind: 'blackhole', target: { type: 'pair', a: 'us-east', b: 'eu-west' } })
  const cut = planned('cut', { kind: 'cut', target: { type: 'link', from: 'eu-west', to: 'us-east' }, startMs: 50 })
  assert.throws(() => findTargets([partition, cut], TARGETS), /'cut' and 'partition' change the same thing at one time/)
  const slow = planned('slow', { kind: 'slow', target: { type: 'link', from: 'eu-west', to: 'us-east' }, delayMs: 90 })
  assert.equal(findTargets([partition, slow, planned('kill', {}), { ...cut, startMs: 60 }], TARGETS).length, 4)
})

test('a service that a system does not have is refused with the nearest name', () => {
  const wrong = planned('kill eu-west/cdd', { target: { type: 'service', dc: 'eu-west', service: 'cdd' } })
  assert.throws(() => findTargets([wrong], TARGETS), /planted runs no service cdd in eu-west: did you mean cdc\?/)
  assert.throws(
    () => findTargets([planned('kill eu-west', {})], { ...TARGETS, services: [] }),
    /runs no service in eu-west/,
  )
})
