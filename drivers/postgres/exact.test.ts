// Exact causality on real servers: what every write says that it found, and what every row says that it has seen.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from 'pg'
import type { Admin, Session } from '../../bench/contract/driver.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import { OPERATION } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { delay } from '../../bench/lib/clock.ts'
import { loadedDot, LOADED_VERSION, packDot } from '../../bench/lib/dot.ts'
import { randomStream } from '../../bench/lib/random.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { connect, disconnect } from './connect.ts'
import { postgres } from './driver.ts'
import { KnowingDcs } from './exact.fixture.ts'
import { SQL_PORT } from './names.ts'
import { batchOf, type Row } from './rows.fixture.ts'
import { lockWaiters, TEST_TABLE, TestDeployment, testPlan } from './servers.fixture.ts'

const SEED = 20_261_125
const DCS: readonly Dc[] = ['us-east', 'eu-west', 'ap-south'].map((name, index) => ({ name, index }))
const plan = {
  ...testPlan({ shared_buffers: '64MB', max_wal_size: '1GB' }),
  dcs: DCS,
  causality: 'exact',
} as const
const LOADED = 20
let deployment: TestDeployment
let admin: Admin
let sessions: readonly Session[]
let sequence = 0

const dotOf = (dc: Dc): number => packDot(dc.index, 600, ++sequence)
const versionOf = (step: number, dc: Dc): number => 1_000_000 + step * 16 + dc.index

const open = (dc: Dc, mode = 'batch'): Promise<Session> =>
  postgres.open(
    dc,
    deployment.endpoints,
    { plan, mode, timeoutMs: 5000, purpose: 'write' },
    AbortSignal.timeout(10_000),
  )

const client = (dc: Dc): Promise<Client> =>
  connect({
    address: deployment.endpoints[dc.name][SQL_PORT],
    secret: plan.secret,
    application: 'other',
    patienceMs: 0,
    attemptMs: 5000,
  })

async function eventually(what: () => string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < giveUpAtMs, `${what()}; seed ${SEED}`)
    await delay(5)
  }
}

/** What a DC says that it holds of one key: dot and vector. */
async function known(session: Session, key: number): Promise<{ dot: number; seen: number[] }> {
  const { dots, seen = [] } = await session.read(Float64Array.of(key))
  return { dot: dots[0], seen: [...seen] }
}

before(async () => {
  deployment = await TestDeployment.create(plan)
  await deployment.start('deploy')
  admin = await postgres.admin(deployment.endpoints, plan, AbortSignal.timeout(30_000))
  await admin.prepare()
  const loaded = Array.from({ length: LOADED }, (_, key) => ({ key, dot: loadedDot(key), version: LOADED_VERSION }))
  await admin.load(
    () => [batchOf(loaded)],
    () => undefined,
  )
  await admin.replicate(joiningDirectly(deployment.endpoints))
  await deployment.start('replicate')
  sessions = await Promise.all(DCS.map((dc) => open(dc)))
})

after(async () => {
  for (const session of sessions ?? []) await session[Symbol.asyncDispose]()
  await admin?.[Symbol.asyncDispose]()
  await deployment?.[Symbol.asyncDispose]()
})

test('in random histories every write finds, and every row has seen, exactly what it must', async () => {
  const random = randomStream(SEED, 1)
  const below = (limit: number) => random.uint32() % limit
  const oracle = new KnowingDcs(DCS.length)
  for (let key = 0; key < LOADED; key++) oracle.load(key, loadedDot(key), LOADED_VERSION)
  // While a DC is shut its appliers wait for a lock: nothing arrives there.
  const guards = await Promise.all(DCS.map(client))
  const shut = DCS.map(() => false)
  let writes = 0
  let raised = 0

  const arrived = async (dc: Dc) => {
    oracle.takeIn(dc.index)
    const keys = oracle.keys(dc.index)
    const expected = keys.map((key) => oracle.held(dc.index, key))
    let last: unknown
    await eventually(
      () => `${dc.name} does not hold what it must: ${JSON.stringify(last)}`,
      async () => {
        const { dots, versions, seen = [] } = await sessions[dc.index].read(Float64Array.from(keys))
        last = keys.flatMap((key, i) => {
          const holds = { dot: dots[i], version: versions[i], seen: Array.from(seen.slice(3 * i, 3 * i + 3)) }
          return JSON.stringify(holds) === JSON.stringify(expected[i]) ? [] : [{ key, holds, must: expected[i] }]
        })
        return (last as unknown[]).length === 0
      },
    )
  }

  for (let step = 0; step < 250; step++) {
    const dc = DCS[below(DCS.length)]
    if (below(4) === 0) {
      await guards[dc.index].query(shut[dc.index] ? 'COMMIT' : 'BEGIN')
      shut[dc.index] = !shut[dc.index]
      if (shut[dc.index]) await guards[dc.index].query('LOCK TABLE geowrite_progress')
      else await arrived(dc)
      continue
    }
    const keys = [...new Set(Array.from({ length: 1 + below(6) }, () => below(LOADED + 10)))].sort((a, b) => a - b)
    // Versions are no order of the writes here: a DC's clock may be behind.
    const version = versionOf(below(400), dc)
    const rows = keys.map((key): Row => ({
      key,
      dot: dotOf(dc),
      version,
      operation: below(5) === 0 ? OPERATION.delete : OPERATION.upsert,
    }))
    const found = rows.map(({ key, dot }) => oracle.write(dc.index, key, dot, version))
    const stored = rows.map(({ key }) => oracle.held(dc.index, key).version)
    const answer = await sessions[dc.index].write(batchOf(rows))
    const expected: WriteResult = {
      outcome: OUTCOME.ok,
      ...(stored.every((value) => value === version)
        ? {}
        : { storedVersions: Float64Array.from(stored, (value) => (value === version ? 0 : value)) }),
      overwrote: Float64Array.from(found, ({ dot }) => dot),
      seen: Float64Array.from(found.flatMap(({ seen }) => seen)),
    }
    assert.deepEqual(answer, expected, `step ${step}, seed ${SEED}`)
    writes += rows.length
    raised += stored.filter((value) => value !== version).length
    for (const other of DCS) if (other !== dc && !shut[other.index]) await arrived(other)
  }
  for (const dc of DCS) if (shut[dc.index]) await guards[dc.index].query('COMMIT')
  for (const dc of DCS) await arrived(dc)
  await Promise.all(guards.map(disconnect))
  // All have seen the same in the end, and the history was one in which that was not easy.
  for (const key of oracle.keys(0)) assert.deepEqual(oracle.held(1, key), oracle.held(0, key))
  assert.ok(oracle.beatenButNew > 20 && raised > 20, `${oracle.beatenButNew} beaten, ${raised} raised of ${writes}`)
})

/** Starts a write, waits until the server says that it waits for a row, lets `free` happen, and returns the answer. */
async function heldUp(observer: Client, writing: Promise<WriteResult>, free: () => Promise<unknown>) {
  await eventually(
    () => 'nobody waits for the row',
    async () => {
      return (await lockWaiters(observer)) > 0
    },
  )
  await free()
  return writing
}

for (const mode of ['batch', 'single', 'pipeline']) {
  test(`a ${mode} write that waited for a row says what it really replaced, not what its snapshot showed`, async () => {
    const [dc, , south] = DCS
    await using session = await open(dc, mode)
    const [holder, observer] = await Promise.all([client(dc), client(dc)])
    try {
      const keys = mode === 'batch' ? [1000, 1001] : [1000]
      const rowsNow = () => keys.map((key): Row => ({ key, dot: dotOf(dc), version: versionOf(1000, dc) }))
      const first = rowsNow()
      assert.equal((await session.write(batchOf(first))).outcome, OUTCOME.ok)
      const before = await known(session, 1000)

      const theirs = dotOf(south)
      const change = `UPDATE ${TEST_TABLE.name} SET dot = ${theirs}, seen_2 = ${theirs} WHERE key = 1000`
      await holder.query('BEGIN')
      await holder.query(change)
      const second = rowsNow()
      const changed = await heldUp(observer, session.write(batchOf(second)), () => holder.query('COMMIT'))
      assert.equal(changed.overwrote?.[0], theirs)
      assert.deepEqual([...(changed.seen ?? [])].slice(0, 3), [before.seen[0], before.seen[1], theirs])
      if (mode === 'batch') assert.equal(changed.overwrote?.[1], first[1].dot)

      await holder.query('BEGIN')
      await holder.query(change)
      const third = rowsNow()
      const undone = await heldUp(observer, session.write(batchOf(third)), () => holder.query('ROLLBACK'))
      assert.equal(undone.overwrote?.[0], second[0].dot)
      assert.deepEqual([...(undone.seen ?? [])].slice(0, 3), [second[0].dot, before.seen[1], theirs])

      const key = 2000 + mode.length
      const inserted = dotOf(south)
      await holder.query('BEGIN')
      await holder.query(
        `INSERT INTO ${TEST_TABLE.name} (key, dot, version, seen_2) VALUES (${key}, ${inserted}, 16, ${inserted})`,
      )
      const late = batchOf([{ key, dot: dotOf(dc), version: versionOf(1000, dc) }])
      const followed = await heldUp(observer, session.write(late), () => holder.query('COMMIT'))
      assert.deepEqual([...(followed.overwrote ?? []), ...(followed.seen ?? [])], [inserted, 0, 0, inserted])
    } finally {
      await Promise.all([holder, observer].map(disconnect))
    }
  })
}

test('a replicated row that waited for a local write joins what that write left', async () => {
  const [east, west] = DCS
  const key = 3000
  const [holder, observer] = await Promise.all([client(east), client(east)])
  try {
    const first = dotOf(east)
    await sessions[0].write(batchOf([{ key, dot: first, version: versionOf(1, east) }]))
    const mine = dotOf(east)
    await holder.query('BEGIN')
    await holder.query(
      `UPDATE ${TEST_TABLE.name} SET dot = ${mine}, seen_0 = ${mine}, version = ${versionOf(50, east)} WHERE key = ${key}`,
    )
    const theirs = dotOf(west)
    const writing = sessions[1].write(batchOf([{ key, dot: theirs, version: versionOf(20, west) }]))
    const answer = await heldUp(observer, writing, () => holder.query('COMMIT'))
    assert.equal(answer.outcome, OUTCOME.ok)
    await eventually(
      () => 'the beaten row did not arrive',
      async () => (await known(sessions[0], key)).seen[1] === theirs,
    )
    assert.deepEqual(await known(sessions[0], key), { dot: mine, seen: [mine, theirs, 0] })
  } finally {
    await Promise.all([holder, observer].map(disconnect))
  }
})

test('two sessions that write one key at once replace each other in one unbroken line', async () => {
  const [dc] = DCS
  const key = 4000
  await using other = await open(dc, 'single')
  const dots: number[] = []
  const replaced: number[] = []
  const writeMany = async (session: Session) => {
    for (let i = 0; i < 150; i++) {
      const dot = dotOf(dc)
      dots.push(dot)
      const answer = await session.write(batchOf([{ key, dot, version: versionOf(1, dc) }]))
      assert.equal(answer.outcome, OUTCOME.ok)
      replaced.push(answer.overwrote?.[0] ?? Number.NaN)
      assert.ok(Number(answer.seen?.[0]) >= Number(answer.overwrote?.[0]))
    }
  }
  await Promise.all([sessions[0], other].map(writeMany))
  const { dot: last } = await known(sessions[0], key)
  const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b)
  assert.deepEqual(ascending([...replaced, last]), ascending([...dots, 0]))
})

test('a write that comes behind a later one of its DC takes nothing back of what its row has seen', async () => {
  const [dc] = DCS
  const [earlier, later] = [dotOf(dc), dotOf(dc)]
  for (const [key, batch] of [
    [4100, [4100]],
    [4200, [4200, 4201]],
  ] as const) {
    await sessions[0].write(batchOf([{ key, dot: later, version: versionOf(3, dc) }]))
    const late = batch.map((each) => ({ key: each, dot: earlier, version: versionOf(2, dc) }))
    const answer = await sessions[0].write(batchOf(late))
    assert.equal(answer.overwrote?.[0], later)
    assert.deepEqual(await known(sessions[0], key), { dot: earlier, seen: [later, 0, 0] })
  }
})

test('copied rows found nothing, and carry their own dot in their vector', async () => {
  const [, west] = DCS
  await using session = await open(west, 'copy')
  const rows = [5000, 5001].map((key): Row => ({ key, dot: dotOf(west), version: versionOf(1, west) }))
  const answer = await session.write(batchOf(rows, OPERATION.insert))
  assert.deepEqual(answer, { outcome: OUTCOME.ok, overwrote: new Float64Array(2), seen: new Float64Array(6) })
  const there = async () => known(sessions[0], 5001)
  await eventually(
    () => 'the copied row did not arrive',
    async () => (await there()).dot === rows[1].dot,
  )
  assert.deepEqual((await there()).seen, [0, rows[1].dot, 0])
})

test('beaten rows that only bring knowledge count as reported conflicts, as without it', async () => {
  const [east, west] = DCS
  const key = 6000
  const older = async () => (await admin.counters()).conflictsReported?.count ?? 0
  const balanced = async () => {
    const { own } = await admin.counters()
    const { pipeline_rows_applied: applied, pipeline_rows_superseded: superseded } = own
    return own.pipeline_rows_received === applied + own.pipeline_rows_older + superseded + own.pipeline_rows_skipped
  }
  const equal = async () => {
    const digests = await Promise.all(DCS.map(({ name }) => admin.digest(name, { buckets: 1 })))
    return digests.every(({ sums, xors }) => sums[0] === digests[0].sums[0] && xors[0] === digests[0].xors[0])
  }
  const settled = async () => (await equal()) && (await balanced())
  await eventually(() => 'what was written before did not settle', settled)
  const before = await older()
  const guard = await client(east)
  await guard.query('BEGIN; LOCK TABLE geowrite_progress')
  const beaten = dotOf(west)
  await sessions[1].write(batchOf([{ key, dot: beaten, version: versionOf(1, west) }]))
  await sessions[0].write(batchOf([{ key, dot: dotOf(east), version: versionOf(2, east) }]))
  await guard.query('COMMIT')
  await disconnect(guard)
  await eventually(
    () => 'the beaten row did not arrive',
    async () => (await known(sessions[0], key)).seen[1] === beaten && (await settled()),
  )
  // In the third DC it may have come before the row that beat it.
  const counted = (await older()) - before
  assert.ok(counted === 1 || counted === 2, `${counted} counted`)
})
