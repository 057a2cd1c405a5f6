// Turns: who may write a key next, what is under way meanwhile, and that a simulated ring of DCs never writes concurrently.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../contract/driver.ts'
import { incarnationOf, loadedDot, LOADED_VERSION, packDot, PHASE } from '../lib/dot.ts'
import { randomStream } from '../lib/random.ts'
import { Turns } from './turns.ts'

const SEED = 20261124
const written = (dc: number, sequence: number) => packDot(dc, incarnationOf(PHASE.measure, 0), sequence)

interface Held {
  readonly dot: number
  readonly version: number
}

/** A DC that holds the given rows. */
function sessionOn(rows: Map<number, Held>, beforeReading: () => Promise<void> = () => Promise.resolve()): Session {
  return {
    write: () => Promise.reject(new Error('not written here')),
    async read(keys) {
      await beforeReading()
      return {
        dots: Float64Array.from(keys, (key) => rows.get(key)?.dot ?? 0),
        versions: Float64Array.from(keys, (key) => rows.get(key)?.version ?? 0),
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

const PLAN = { dcIndex: 1, dcCount: 3, firstOf: (key: number) => key % 3, timeoutMs: 1000 }
const take = (turns: Turns, ...keys: number[]) => turns.take(Float64Array.from(keys), keys.length)

test('a key is written after the DC before, and a loaded one by the DC that is first', async () => {
  const rows = new Map([
    [1, { dot: written(0, 5), version: 500 }],
    [2, { dot: written(1, 6), version: 900 }],
    [3, { dot: written(2, 7), version: 900 }],
    [4, { dot: loadedDot(4), version: LOADED_VERSION }],
    [5, { dot: loadedDot(5), version: LOADED_VERSION }],
  ])
  const turns = new Turns(sessionOn(rows), PLAN)
  const { isTurn, newestVersion } = await take(turns, 1, 2, 3, 4, 5, 7, 8)
  // Key 7 is nowhere: first of 7 % 3 = 1.
  assert.deepEqual([...isTurn], [1, 0, 0, 1, 0, 1, 0])
  assert.equal(newestVersion, 500)
})

test('a key under way has no second turn: in the same batch, in a later one, and for good when its write has no outcome', async () => {
  const rows = new Map([[1, { dot: written(0, 5), version: 500 }]])
  const turns = new Turns(sessionOn(rows), PLAN)
  assert.deepEqual([...(await take(turns, 1, 1)).isTurn], [1, 0])
  assert.deepEqual([...(await take(turns, 1)).isTurn], [0])
  turns.giveBack(1)
  assert.deepEqual([...(await take(turns, 1)).isTurn], [1])
})

test(
  'rows that cannot be read, or not in time, are nobody’s turn now and may be asked for again',
  { timeout: 5000 },
  async () => {
    let how: () => Promise<void> = () => Promise.reject(new Error('down'))
    const rows = new Map([[1, { dot: written(0, 5), version: 500 }]])
    const turns = new Turns(
      sessionOn(rows, () => how()),
      { ...PLAN, timeoutMs: 20 },
    )
    await assert.rejects(take(turns, 1), /down/)
    how = () => new Promise(() => undefined)
    await assert.rejects(take(turns, 1), /no answer in time/)
    how = () => Promise.resolve()
    assert.deepEqual([...(await take(turns, 1)).isTurn], [1])
  },
)

test('in a ring of DCs no write is made that does not replace the latest one anywhere', async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const random = randomStream(SEED)
  const [dcCount, keys] = [3, 5]
  const tables = Array.from({ length: dcCount }, () => new Map<number, Held>())
  const latest = new Map<number, number>()
  const ways: { dc: number; key: number; held: Held }[] = []
  const writers = tables.map((rows, dcIndex) => new Turns(sessionOn(rows), { ...PLAN, dcIndex, firstOf: () => 0 }))
  let made = 0
  for (let step = 0; step < 3000; step++) {
    // A write arrives somewhere, whatever the order; the later version stays.
    if (ways.length > 0 && random.unit() < 0.5) {
      const [{ dc, key, held }] = ways.splice(Math.floor(random.unit() * ways.length), 1)
      if ((tables[dc].get(key)?.version ?? 0) < held.version) tables[dc].set(key, held)
    }
    const dc = Math.floor(random.unit() * dcCount)
    const key = Math.floor(random.unit() * keys)
    const before = tables[dc].get(key)?.dot
    if ((await take(writers[dc], key)).isTurn[0] === 0) continue
    assert.equal(before, latest.get(key), `step ${step}`)
    const held = { dot: written(dc, step + 1), version: step + 1 }
    tables[dc].set(key, held)
    latest.set(key, held.dot)
    for (let other = 0; other < dcCount; other++) if (other !== dc) ways.push({ dc: other, key, held })
    writers[dc].giveBack(key)
    made++
  }
  assert.ok(made > 100, `${made} writes`)
})
