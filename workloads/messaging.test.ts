// The messaging workload against what is worked out here without its own code.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OPERATION } from '../bench/contract/table.ts'
import type { StreamPlan } from '../bench/contract/workload.ts'
import { messageKeys } from './messaging-keys.ts'
import { messaging } from './messaging.ts'

const SEED = 20261124
const PHASES = [1, 2, 3]

function planOf(change: Partial<StreamPlan> & { rows?: number; overlap?: number } = {}): StreamPlan {
  const { rows = 100_000, overlap = 0.1, ...rest } = change
  const options = { ...messaging.defaults, rows, overlap }
  return { options, seed: SEED, dcIndex: 0, dcCount: 2, phase: 3, ...rest }
}

function keysOf(plan: StreamPlan, count: number): Float64Array {
  const keys = new Float64Array(count)
  messaging.stream(plan).next(count, keys, new Uint8Array(count))
  return keys
}

/** Timeline and send of a key, by the layout that the documentation gives. */
function decode(key: number, { options, dcCount }: StreamPlan): { timeline: number; send: number } {
  const timelines = Math.max(64, Math.floor(options.rows / 20))
  const sends = Math.floor((Number.MAX_SAFE_INTEGER - options.rows) / (timelines * 4 * dcCount))
  const place = Math.floor((key - options.rows) / dcCount)
  return { timeline: Math.floor(place / sends / 4), send: place % sends }
}

/** The timelines of each whole send, in order; the last one may be cut off and is left out. */
function sendsOf(plan: StreamPlan, count: number): number[][] {
  const sends: number[][] = []
  for (const key of keysOf(plan, count)) {
    const { timeline, send } = decode(key, plan)
    ;(sends[send] ??= []).push(timeline)
  }
  return sends.slice(0, -1)
}

test('the same plan gives the same operations, byte for byte, in whatever chunks they are asked for', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const whole = keysOf(planOf(), 3000)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 }), (chunks) => {
      const stream = messaging.stream(planOf())
      let at = 0
      for (const chunk of chunks) {
        const count = Math.min(chunk, whole.length - at)
        const [keys, operations] = [new Float64Array(count), new Uint8Array(count)]
        stream.next(count, keys, operations)
        assert.deepEqual(keys, whole.slice(at, at + count))
        assert.ok(operations.every((operation) => operation === OPERATION.insert))
        at += count
      }
    }),
    { seed: SEED, numRuns: 100 },
  )
  assert.notDeepEqual(keysOf(planOf({ seed: SEED + 1 }), 3000), whole)
})

for (const [rows, dcCount] of [
  [1, 2],
  [50_000, 3],
  [1e11, 16],
] as const) {
  test(`with ${rows} rows and ${dcCount} DCs no key is ever made twice, and all lie above the loaded rows`, () => {
    const seen = new Set<number>()
    let made = 0
    for (let dcIndex = 0; dcIndex < dcCount; dcIndex++) {
      for (const phase of PHASES) {
        for (const key of keysOf(planOf({ rows, dcIndex, dcCount, phase, overlap: 1 }), 5000)) {
          assert.ok(Number.isSafeInteger(key) && key >= rows, String(key))
          seen.add(key)
          made++
        }
      }
    }
    assert.equal(seen.size, made)
  })
}

test('the sizes of conversations follow the inverse square law from 2 to 50', (t) => {
  t.diagnostic(`seed ${SEED}`)
  // A million conversations, chosen evenly: nearly every send shows another one.
  const plan = planOf({ rows: 20_000_000, overlap: 1 })
  const sends = sendsOf({ ...plan, options: { ...plan.options, distribution: 'uniform' } }, 300_000)
  assert.ok(sends.length > 45_000, `${sends.length} sends`)
  let total = 0
  for (let n = 2; n <= 50; n++) total += 1 / n ** 2
  for (let n = 2; n <= 50; n++) {
    const expected = sends.length / n ** 2 / total
    const found = sends.filter((members) => members.length === n).length
    assert.ok(Math.abs(found - expected) < 5 * Math.sqrt(expected) + 1, `${n} members: ${found} for ${expected}`)
  }
  assert.ok(sends.every((members) => members.length >= 2 && members.length <= 50))
})

test('a send reaches each of its members once, and a conversation always the same ones', () => {
  const sends = sendsOf(planOf(), 60_000)
  for (const timelines of sends) assert.equal(new Set(timelines).size, timelines.length)
  // 60,000 rows are some 10,000 sends: busy conversations come again and again.
  const different = new Set(sends.map((timelines) => timelines.join()))
  assert.ok(different.size < sends.length / 2, `${different.size} conversations in ${sends.length} sends`)
})

test('a conversation is sent to by its home DC only, unless it is among the overlap', () => {
  const conversations = (dcIndex: number, overlap: number) =>
    new Set(sendsOf(planOf({ dcIndex, overlap }), 100_000).map((timelines) => timelines.join()))
  const shared = (overlap: number) => {
    const [east, west] = [conversations(0, overlap), conversations(1, overlap)]
    return east.intersection(west).size / east.union(west).size
  }
  // Different conversations may have the same members: with 5,000 timelines and steps of 1 to 99 some two in a thousand do.
  assert.ok(shared(0) < 0.005, `${shared(0)}`)
  assert.ok(shared(0.3) > 0.1 && shared(0.3) < 0.35, `${shared(0.3)}`)
  assert.ok(shared(1) > 0.5, `${shared(1)}`)
})

test('a timeline’s rows stand together, in the order in which they were sent', () => {
  const plan = planOf()
  const last = new Map<number, number>()
  for (const key of keysOf(plan, 50_000)) {
    const { timeline } = decode(key, plan)
    assert.ok(key > (last.get(timeline) ?? 0))
    last.set(timeline, key)
  }
  const ends = [...last].toSorted(([a], [b]) => a - b).map(([, key]) => key)
  assert.deepEqual(
    ends,
    ends.toSorted((a, b) => a - b),
  )
})

test('a run that would need more keys than there are is refused, not given a key twice', () => {
  const keyOf = messageKeys(1e8, 15, 16, 3)
  assert.ok(Number.isSafeInteger(keyOf(4_194_303, 33_000_000)))
  assert.throws(() => keyOf(0, 34_000_000), { code: 'SCENARIO' })
})
