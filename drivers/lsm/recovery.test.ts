// lsm nodes that are killed, or that were away, lose nothing that was acknowledged and end equal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Admin, Session } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { Nodes, Writer, consecutive, until } from '../replication/node/nodes.fixture.ts'
import { lsm } from './driver.ts'

const KEYS = 3000

/** Writes batches until stopped, and remembers the highest version of each key that was acknowledged. */
class Load {
  readonly acknowledged = new Map<number, number>()
  readonly outcomes = [0, 0, 0, 0]
  readonly #session: Session
  readonly #writer: Writer
  #stopped = false
  readonly #lanes: Promise<void>[]

  constructor(session: Session, dcIndex: number) {
    this.#session = session
    this.#writer = new Writer(dcIndex)
    // Lanes write keys of their own, since batches that are under way at once may end in any order.
    this.#lanes = [0, 1, 2, 3].map((lane) => this.#run(lane))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#lanes)
  }

  async #run(lane: number): Promise<void> {
    for (let from = 0; !this.#stopped; from = (from + 100) % (KEYS / 4)) {
      const batch = this.#writer.batch(consecutive((lane * KEYS) / 4 + from, 50))
      const { outcome, storedVersions } = await this.#session.write(batch)
      this.outcomes[outcome]++
      if (outcome !== OUTCOME.ok) continue
      batch.keys.forEach((key, i) => this.acknowledged.set(key, storedVersions?.[i] || batch.versions[i]))
    }
  }
}

async function drained(admin: Admin): Promise<void> {
  await until('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
}

async function assertEqual(admin: Admin): Promise<void> {
  const [west, east] = await Promise.all(['west', 'east'].map((dc) => admin.digest(dc, { buckets: 8 })))
  assert.ok(west.counts.some((count) => count > 0))
  assert.deepEqual([east.counts, east.sums, east.xors], [west.counts, west.sums, west.xors])
}

test('a node killed with -9 under load keeps every acknowledged write, and both DCs end equal', async () => {
  await using nodes = await Nodes.start(lsm)
  await using admin = await nodes.admin()
  await admin.replicate(joiningDirectly(nodes.endpoints))
  await using west = await nodes.open('west')
  await using east = await nodes.open('east')
  const loads = [new Load(west, 0), new Load(east, 1)]
  await until('writes', () => loads.every((load) => load.outcomes[OUTCOME.ok] > 50))
  for (const dc of ['west', 'east']) {
    await nodes.end(dc, 'SIGKILL')
    await nodes.run(dc)
    const before = loads.map((load) => load.outcomes[OUTCOME.ok])
    await until('writes after the restart', () => loads.every((load, i) => load.outcomes[OUTCOME.ok] > before[i] + 50))
  }
  await Promise.all(loads.map((load) => load.stop()))
  assert.ok(
    loads.every((load) => load.outcomes[OUTCOME.info] + load.outcomes[OUTCOME.fail] > 0),
    'each node was missed',
  )
  await drained(admin)
  await assertEqual(admin)
  for (const session of [west, east]) {
    for (const load of loads) {
      const keys = Float64Array.from(load.acknowledged.keys())
      const { versions } = await session.read(keys)
      keys.forEach((key, i) => assert.ok(versions[i] >= (load.acknowledged.get(key) ?? 0), `key ${key}`))
    }
  }
  const { own } = await admin.counters()
  assert.equal(own.log_gap_rows, 0)
})

test('a node that was down catches up, and the log that was kept for it goes', async () => {
  await using nodes = await Nodes.start(lsm)
  await using admin = await nodes.admin()
  await using session = await nodes.open('west')
  const writer = new Writer(0)
  await session.write(writer.batch(consecutive(0, 100)))
  await drained(admin)
  await nodes.end('east', 'SIGTERM')
  // The source restarts as well: it must read its log back.
  for (let round = 0; round < 2; round++) {
    for (let from = 0; from < 20_000; from += 500) {
      assert.equal((await session.write(writer.batch(consecutive(from, 500)))).outcome, OUTCOME.ok)
    }
  }
  await nodes.end('west', 'SIGKILL')
  await nodes.run('west')
  await nodes.run('east')
  await admin.replicate(joiningDirectly(nodes.endpoints))
  await drained(admin)
  await assertEqual(admin)
  const { own } = await admin.counters()
  assert.equal(own.applied_rows, 40_000)
  await until('a trimmed log', async () => (await admin.counters()).own.log_entries_held === 0)
})

test('a paused node makes writes unknown within their time, and they are not undone when it goes on', async () => {
  await using nodes = await Nodes.start(lsm)
  await using session = await nodes.open('west', 300)
  const writer = new Writer(0)
  nodes.signal('west', 'SIGSTOP')
  const startedMs = performance.now()
  const stuck = writer.batch([1, 2, 3])
  const result = await session.write(stuck)
  const tookMs = performance.now() - startedMs
  nodes.signal('west', 'SIGCONT')
  assert.deepEqual(result, { outcome: OUTCOME.info, error: 'timeout' })
  assert.ok(tookMs > 200 && tookMs < 1000, `${tookMs} ms`)
  const later = writer.batch([2])
  await until('an answer', async () => (await session.write(later)).outcome === OUTCOME.ok)
  const { dots } = await session.read(Float64Array.of(1, 2, 3, 4))
  assert.deepEqual([...dots], [stuck.dots[0], later.dots[0], stuck.dots[2], 0])
})

test('a write to a node that is gone has failed, and the session is of use again when it is back', async () => {
  await using nodes = await Nodes.start(lsm)
  await using session = await nodes.open('west', 1000)
  const writer = new Writer(0)
  await nodes.end('west', 'SIGKILL')
  await until('a refused connection', async () => {
    const { outcome, error } = await session.write(writer.batch([1]))
    assert.notEqual(outcome, OUTCOME.ok)
    return outcome === OUTCOME.fail && error === 'unreachable'
  })
  await nodes.run('west')
  assert.equal((await session.write(writer.batch([1]))).outcome, OUTCOME.ok)
})
