// The driver against real servers: two DCs on loopback, writes at both, kills in the middle.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from 'pg'
import type { Admin, Session, SessionOptions } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import type { RowBatch } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { delay } from '../../bench/lib/clock.ts'
import { loadedDot, LOADED_VERSION, nextVersion } from '../../bench/lib/dot.ts'
import { randomStream } from '../../bench/lib/random.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { postgres } from './driver.ts'
import { connect, disconnect } from './connect.ts'
import { pipelineName, SQL_PORT } from './names.ts'
import { batchOf, maker, write, type Row } from './rows.fixture.ts'
import { lockWaiters, TEST_TABLE, TestDeployment, testPlan } from './servers.fixture.ts'

const SEED = 20_260_801
const PLAN = testPlan({ shared_buffers: '64MB', max_wal_size: '1GB' })
const [EAST, WEST] = PLAN.dcs
const BUCKETS = 16
const CONVERGES_WITHIN_MS = 10_000

let deployment: TestDeployment
let admin: Admin
let east: Session
let west: Session

const options = (changes: Partial<SessionOptions> = {}): SessionOptions => ({
  plan: PLAN,
  mode: 'batch',
  timeoutMs: 5000,
  purpose: 'write',
  ...changes,
})

const open = (dc: typeof EAST, changes?: Partial<SessionOptions>): Promise<Session> =>
  postgres.open(dc, deployment.endpoints, options(changes), AbortSignal.timeout(10_000))

async function converged(): Promise<boolean> {
  const [a, b] = await Promise.all([EAST, WEST].map(({ name }) => admin.digest(name, { buckets: BUCKETS })))
  return a.counts.every((_, i) => a.counts[i] === b.counts[i] && a.sums[i] === b.sums[i] && a.xors[i] === b.xors[i])
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + CONVERGES_WITHIN_MS
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) {
      const logs = [pipelineName(EAST.name, WEST.name), pipelineName(WEST.name, EAST.name)].map((name) =>
        deployment.log(name),
      )
      assert.fail(
        `${what} did not come true; seed ${SEED}; ${JSON.stringify(await admin.counters())}; ${logs.join('\n')}`,
      )
    }
    await delay(20)
  }
}

/** A connection with an open transaction that keeps others from writing a row. */
async function hold(dc: Dc, key: number): Promise<Client> {
  const holder = await connect({
    address: deployment.endpoints[dc.name][SQL_PORT],
    secret: PLAN.secret,
    application: 'holder',
    patienceMs: 0,
    attemptMs: 5000,
  })
  await holder.query('BEGIN')
  await holder.query(`SELECT FROM ${TEST_TABLE.name} WHERE key = ${key} FOR UPDATE`)
  return holder
}

before(async () => {
  deployment = await TestDeployment.create(PLAN)
  await deployment.start('deploy')
  admin = await postgres.admin(deployment.endpoints, PLAN, AbortSignal.timeout(30_000))
  await admin.prepare()
  const loaded = Array.from({ length: TEST_TABLE.rows }, (_, key) => ({
    key,
    dot: loadedDot(key),
    version: LOADED_VERSION,
  }))
  const done: number[] = []
  await admin.load(
    () => [batchOf(loaded.slice(0, 600)), batchOf(loaded.slice(600))],
    (rows) => done.push(rows),
  )
  assert.deepEqual(done, [600, 1000])
  assert.ok(await converged(), 'every DC starts with the same rows')
  await admin.replicate(joiningDirectly(deployment.endpoints))
  await deployment.start('replicate')
  east = await open(EAST)
  west = await open(WEST)
})

after(async () => {
  await east?.[Symbol.asyncDispose]()
  await west?.[Symbol.asyncDispose]()
  await admin?.[Symbol.asyncDispose]()
  await deployment?.[Symbol.asyncDispose]()
})

test('what was loaded reads back byte for byte, and keys asked twice or absent are answered by position', async () => {
  let rows = 0
  for await (const block of admin.rows(WEST.name, { bucket: 3, buckets: BUCKETS })) {
    for (let i = 0; i < block.count; i++) {
      assert.equal(block.keys[i] % BUCKETS, 3)
      assert.deepEqual(Buffer.from(block.contents[i]), Buffer.from(maker.expected(block.dots[i])))
    }
    rows += block.count
  }
  assert.equal(rows, Math.ceil((TEST_TABLE.rows - 3) / BUCKETS))
  const { dots, versions } = await east.read(Float64Array.of(5, 999_999, 0, 5))
  assert.deepEqual([...dots], [loadedDot(5), 0, loadedDot(0), loadedDot(5)])
  assert.deepEqual([...versions], [LOADED_VERSION, 0, LOADED_VERSION, LOADED_VERSION])
})

test('digests add up modulo 2^64 whatever the buckets, and follow a selection of keys', async () => {
  const all = (sums: BigUint64Array) =>
    BigInt.asUintN(
      64,
      sums.reduce((sum, value) => sum + value, 0n),
    )
  const one = await admin.digest(EAST.name, { buckets: 1 })
  const many = await admin.digest(EAST.name, { buckets: 7 })
  assert.equal(one.counts[0], TEST_TABLE.rows)
  assert.equal(all(many.sums), one.sums[0])
  assert.equal(
    many.xors.reduce((xor, value) => xor ^ value, 0n),
    one.xors[0],
  )
  const keys = Float64Array.from({ length: 1000 }, (_, key) => key).filter((key) => key % 7 === 2)
  const part = await admin.digest(EAST.name, { buckets: 7, keys })
  assert.deepEqual([part.counts[2], part.sums[2], part.xors[2]], [many.counts[2], many.sums[2], many.xors[2]])
  assert.deepEqual([part.counts[1], part.sums[1]], [0, 0n])
  assert.ok(one.startedUs < one.endedUs)
})

test('writes of both DCs arrive in the other with their dots, versions and content', async () => {
  const fromEast = batchOf([write(1, 0), write(2, 0), write(2000, 0)])
  const fromWest = batchOf([write(3, 1)])
  assert.deepEqual(await east.write(fromEast), { outcome: OUTCOME.ok })
  assert.deepEqual(await west.write(fromWest), { outcome: OUTCOME.ok })
  await eventually('arrival', async () => {
    const there = await west.read(fromEast.keys)
    const here = await east.read(fromWest.keys)
    return there.dots.every((dot, i) => dot === fromEast.dots[i]) && here.dots[0] === fromWest.dots[0]
  })
  await eventually('convergence', converged)
  for await (const block of admin.rows(WEST.name, { keys: fromEast.keys })) {
    assert.deepEqual([...block.keys], [1, 2, 2000])
    assert.deepEqual([...block.versions], [...fromEast.versions])
    for (let i = 0; i < block.count; i++) {
      assert.deepEqual(Buffer.from(block.contents[i]), Buffer.from(maker.expected(fromEast.dots[i])))
    }
  }
})

test('a local write never lowers a version, and says which version it stored instead', async () => {
  await eventually('convergence', converged)
  const newest = write(10, 1)
  await west.write(batchOf([newest]))
  await eventually('arrival', async () => (await east.read(Float64Array.of(10))).versions[0] === newest.version)
  const late = { ...write(10, 0), version: newest.version - 160 }
  const other = write(11, 0)
  const raised = nextVersion(newest.version, 0)
  const result = await east.write(batchOf([late, other]))
  assert.equal(result.outcome, OUTCOME.ok)
  assert.deepEqual([...(result.storedVersions ?? [])], [raised, 0])
  const later = { ...write(10, 0), version: newest.version - 80 }
  const single = await east.write(batchOf([later]))
  assert.deepEqual([...(single.storedVersions ?? [])], [nextVersion(raised, 0)])
  await eventually('convergence', converged)
  assert.equal((await west.read(Float64Array.of(10))).dots[0], later.dot)
})

test('concurrent writes of one key converge to the higher version in both DCs', async () => {
  const random = randomStream(SEED, 1)
  const written = new Map<number, Row>()
  const stored = (batch: RowBatch, versions: Float64Array | undefined) => {
    for (let i = 0; i < batch.count; i++) {
      const row = { key: batch.keys[i], dot: batch.dots[i], version: versions?.[i] || batch.versions[i] }
      if (row.version > (written.get(row.key)?.version ?? 0)) written.set(row.key, row)
    }
  }
  for (let round = 0; round < 40; round++) {
    const keys = new Set(Array.from({ length: 100 }, () => random.uint32() % 300))
    const batches = [EAST, WEST].map(({ index }) => batchOf([...keys].map((key) => write(key, index))))
    const results = await Promise.all([east.write(batches[0]), west.write(batches[1])])
    results.forEach((result, index) => {
      assert.equal(result.outcome, OUTCOME.ok, result.error)
      stored(batches[index], result.storedVersions)
    })
  }
  await eventually('convergence', converged)
  const keys = Float64Array.from(written.keys())
  for (const session of [east, west]) {
    const { dots, versions } = await session.read(keys)
    keys.forEach((key, i) => assert.deepEqual({ key, dot: dots[i], version: versions[i] }, written.get(key)))
  }
  await eventually('every row received counted under one heading', async () => {
    const { conflictsReported, own } = await admin.counters()
    const { pipeline_rows_applied: applied, pipeline_rows_older: older, pipeline_rows_superseded: superseded } = own
    assert.equal(conflictsReported?.count, older)
    return older > 0 && own.pipeline_rows_received === applied + older + superseded + own.pipeline_rows_skipped
  })
})

test('a row that arrives while a local writer inserts it waits, and the higher version is kept, without reconnecting', async () => {
  const { pipeline_reconnects: before } = (await admin.counters()).own
  const [ours, theirs] = [write(4000, 1), write(4000, 0)]
  const [theirsLow, oursHigh] = [write(4001, 0), write(4001, 1)]
  const holder = await hold(WEST, 1)
  for (const { key, dot, version } of [ours, oursHigh])
    await holder.query(`INSERT INTO ${TEST_TABLE.name} (key, dot, version) VALUES (${key}, ${dot}, ${version})`)
  assert.equal((await east.write(batchOf([theirs, theirsLow]))).outcome, OUTCOME.ok)
  await eventually('an applier that waits for the local writer', async () => (await lockWaiters(holder)) > 0)
  await holder.query('COMMIT')
  await disconnect(holder)
  await eventually('convergence', converged)
  const { dots } = await west.read(Float64Array.of(4000, 4001))
  assert.deepEqual([...dots], [theirs.dot, oursHigh.dot])
  assert.equal((await admin.counters()).own.pipeline_reconnects, before)
})

test('an applier locks rows by ascending key, as local writers do, wherever they stand in the table', async () => {
  const { pipeline_reconnects: before } = (await admin.counters()).own
  const keys = Array.from({ length: 20 }, (_, i) => 4100 + i)
  for (const key of keys.toReversed()) assert.equal((await west.write(batchOf([write(key, 1)]))).outcome, OUTCOME.ok)
  await eventually('convergence', converged)
  const holder = await hold(WEST, 1)
  const touch = (key: number) => holder.query(`UPDATE ${TEST_TABLE.name} SET dot = dot WHERE key = ${key}`)
  await touch(keys[0])
  const arriving = keys.map((key) => write(key, 0))
  assert.equal((await east.write(batchOf(arriving))).outcome, OUTCOME.ok)
  await eventually('an applier that waits for the local writer', async () => (await lockWaiters(holder)) > 0)
  for (const key of keys.slice(1)) await touch(key)
  await holder.query('COMMIT')
  await disconnect(holder)
  await eventually('convergence', converged)
  const { dots } = await west.read(Float64Array.from(keys))
  assert.deepEqual(
    [...dots],
    arriving.map(({ dot }) => dot),
  )
  assert.equal((await admin.counters()).own.pipeline_reconnects, before)
})

/** Writes at the given DCs until `signal` is aborted; every outcome must be one of `allowed`. Returns the rows acknowledged. */
async function writeOn(dcs: readonly Dc[], signal: AbortSignal, allowed: readonly number[]): Promise<number> {
  const random = randomStream(SEED, 2)
  let acknowledged = 0
  const writeAt = async (session: Session, dcIndex: number) => {
    while (!signal.aborted) {
      const keys = new Set(Array.from({ length: 200 }, () => random.uint32() % 3000))
      const { outcome, error } = await session.write(batchOf([...keys].map((key) => write(key, dcIndex))))
      assert.ok(allowed.includes(outcome), `outcome ${outcome} (${error})`)
      if (outcome === OUTCOME.ok) acknowledged += keys.size
      else await delay(20)
    }
  }
  await Promise.all(dcs.map(({ index }) => writeAt(index === EAST.index ? east : west, index)))
  return acknowledged
}

/** Kills a service with SIGKILL and starts it again, some times, while the given DCs write; then all must converge. */
async function killWhileWriting(name: string, dcs: readonly Dc[], allowed: readonly number[]): Promise<void> {
  const stop = new AbortController()
  const writing = writeOn(dcs, stop.signal, allowed)
  const killing = (async () => {
    for (let kill = 0; kill < 2; kill++) {
      await delay(250)
      await deployment.kill(name)
      await deployment.run(name)
    }
    await delay(50)
    stop.abort()
  })()
  // Both are waited for, so that a failed write does not leave a server killed under the next test.
  const [rows] = await Promise.allSettled([writing, killing])
  await killing
  if (rows.status === 'rejected') throw rows.reason
  assert.ok(rows.value > 0)
  await eventually('convergence', async () => {
    try {
      return await converged()
    } catch {
      // The admin's connection may have gone with the server: the next call opens it again.
      return false
    }
  })
}

test('a pipeline killed in mid-stream and started again loses nothing', async () => {
  await killWhileWriting(pipelineName(EAST.name, WEST.name), [EAST, WEST], [OUTCOME.ok])
})

test('what one applier could not apply is not confirmed, sent again, and skipped by the applier that had it', async () => {
  const name = pipelineName(EAST.name, WEST.name)
  const batch = batchOf(Array.from({ length: 200 }, (_, key) => write(key, 0)))
  const holder = await hold(WEST, 30)
  assert.equal((await east.write(batch)).outcome, OUTCOME.ok)
  const arrived = async () => (await west.read(batch.keys)).dots.filter((dot, i) => dot === batch.dots[i]).length
  await eventually('the part of the applier that is not held up', async () => (await arrived()) > 0)
  // A local write brings the receiver's log to its disk; then it is long enough for several confirmations, of which none
  // may cover the batch.
  assert.equal((await west.write(batchOf([write(2500, 1)]))).outcome, OUTCOME.ok)
  await delay(300)
  assert.ok((await arrived()) < batch.count)
  assert.ok((await admin.backlog())[0].amount > 0)
  await deployment.kill(name)
  await holder.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)
  await holder.query('ROLLBACK')
  await disconnect(holder)
  await deployment.run(name)
  await eventually('the rest', async () => (await arrived()) === batch.count)
  assert.ok((await admin.counters()).own.pipeline_rows_skipped > 0)
  await eventually('convergence', converged)
})

test('a receiving server killed before its disk had everything gets the rest again', async () => {
  await killWhileWriting(`postgres ${WEST.name}`, [EAST], [OUTCOME.ok])
  assert.ok((await admin.counters()).own.pipeline_reconnects > 0)
})

test('a server killed while both DCs write is reconnected to by sessions and pipelines', async () => {
  await killWhileWriting(`postgres ${EAST.name}`, [EAST, WEST], [OUTCOME.ok, OUTCOME.fail, OUTCOME.info])
  const afterwards = write(7, 0)
  await eventually(
    'a reconnected session',
    async () => (await east.write(batchOf([afterwards]))).outcome === OUTCOME.ok,
  )
  await eventually('arrival', async () => (await west.read(Float64Array.of(7))).dots[0] === afterwards.dot)
})

test('the source is told what is durable, so that no log is kept for ever', async () => {
  await east.write(batchOf([write(1, 0)]))
  await eventually('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
  assert.deepEqual(
    (await admin.backlog()).map(({ from, to, unit }) => [from, to, unit]),
    [
      [EAST.name, WEST.name, 'bytes'],
      [WEST.name, EAST.name, 'bytes'],
    ],
  )
})

test('a write that does not finish in time is unknown, and does not come true when its way is free again', async () => {
  await using impatient = await open(EAST, { timeoutMs: 200 })
  const key = Float64Array.of(20)
  const former = (await east.read(key)).dots[0]
  const holder = await hold(EAST, 20)
  const startedMs = performance.now()
  assert.deepEqual(await impatient.write(batchOf([write(20, 0)])), { outcome: OUTCOME.info, error: 'timeout' })
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs < 1000, `took ${tookMs} ms`)
  await eventually('the end of the statement', async () => {
    return (await lockWaiters(holder)) === 0
  })
  await holder.query('ROLLBACK')
  await disconnect(holder)
  assert.equal((await east.read(key)).dots[0], former)
  const again = write(20, 0)
  assert.deepEqual(await impatient.write(batchOf([again])), { outcome: OUTCOME.ok }, 'on a new connection')
  assert.equal((await east.read(key)).dots[0], again.dot)
})

test('a write that the server refuses has failed, and the session goes on', async () => {
  const good = batchOf([write(22, 0), write(23, 0)])
  const zeros = {
    type: 'text',
    pool: new Uint8Array(9),
    starts: new Uint32Array(2),
    lengths: Uint16Array.of(9, 9),
  } as const
  const refused = await east.write({ ...good, columns: [zeros, ...good.columns.slice(1)] })
  assert.deepEqual(refused, { outcome: OUTCOME.fail, error: 'sqlstate_22021' }, 'no text may hold a zero byte')
  assert.deepEqual(await east.write(good), { outcome: OUTCOME.ok })
})
