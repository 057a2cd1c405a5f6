// The write modes `pipeline` and `copy` against a real server: order, outcomes of their own, and what happens to what is under way.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from 'pg'
import { parseScenario } from '../../bench/cli/scenario-schema.ts'
import type { Session } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { OPERATION } from '../../bench/contract/table.ts'
import { delay } from '../../bench/lib/clock.ts'
import { systemsOf } from '../../bench/systems.ts'
import { drivers } from '../index.ts'
import { workloads } from '../../workloads/index.ts'
import { connect, disconnect } from './connect.ts'
import { postgres } from './driver.ts'
import { SQL_PORT } from './names.ts'
import { batchOf, maker, write } from './rows.fixture.ts'
import { lockWaiters, TEST_TABLE, TestDeployment, testPlan } from './servers.fixture.ts'

const plan = { ...testPlan({ shared_buffers: '64MB', max_wal_size: '1GB' }), dcs: [{ name: 'us-east', index: 0 }] }
const [DC] = plan.dcs
let deployment: TestDeployment
let observer: Client
let reader: Session

const open = (mode: string, timeoutMs = 5000): Promise<Session> =>
  postgres.open(DC, deployment.endpoints, { plan, mode, timeoutMs, purpose: 'write' }, AbortSignal.timeout(10_000))
const dotsOf = async (keys: readonly number[]) => [...(await reader.read(Float64Array.from(keys))).dots]
const server = (application: string) => ({
  address: deployment.endpoints[DC.name][SQL_PORT],
  secret: plan.secret,
  application,
  patienceMs: 0,
  attemptMs: 5000,
})

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < giveUpAtMs, `${what} did not come true`)
    await delay(10)
  }
}

before(async () => {
  deployment = await TestDeployment.create(plan)
  await deployment.start('deploy')
  await using admin = await postgres.admin(deployment.endpoints, plan, AbortSignal.timeout(30_000))
  await admin.prepare()
  observer = await connect(server('observer'))
  reader = await open('batch')
})

after(async () => {
  if (observer !== undefined) await disconnect(observer)
  await reader?.[Symbol.asyncDispose]()
  await deployment?.[Symbol.asyncDispose]()
})

test('pipelined writes are under way at once, each in its own transaction, and keep their order', async () => {
  await using session = await open('pipeline')
  const rows = Array.from({ length: 300 }, (_, i) => write(i % 3, DC.index))
  const before = await observer.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')
  const settled: number[] = []
  await Promise.all(
    rows.map(async (row, i) => {
      assert.equal((await session.write(batchOf([row]))).outcome, OUTCOME.ok)
      settled.push(i)
    }),
  )
  assert.deepEqual(
    settled,
    rows.map((_, i) => i),
  )
  assert.deepEqual(
    await dotsOf([0, 1, 2]),
    rows.slice(-3).map(({ dot }) => dot),
  )
  const after = await observer.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')
  assert.ok(Number(after.rows[0].id) - Number(before.rows[0].id) > rows.length)
})

test('a write that the server refuses fails alone in its pipeline', async () => {
  await using session = await open('pipeline')
  const rows = [write(10, DC.index), write(11, DC.index), write(12, DC.index)]
  const batches = rows.map((row) => batchOf([row]))
  const zeros = {
    type: 'text',
    pool: new Uint8Array(9),
    starts: Uint32Array.of(0),
    lengths: Uint16Array.of(9),
  } as const
  batches[1] = { ...batches[1], columns: [zeros, ...batches[1].columns.slice(1)] }
  assert.deepEqual(await Promise.all(batches.map((batch) => session.write(batch))), [
    { outcome: OUTCOME.ok },
    { outcome: OUTCOME.fail, error: 'sqlstate_22021' },
    { outcome: OUTCOME.ok },
  ])
  assert.deepEqual(await dotsOf([10, 11, 12]), [rows[0].dot, 0, rows[2].dot])
})

test('a pipeline that hangs leaves all that is under way unknown, and what was behind the hung write does not come true', async () => {
  await using session = await open('pipeline', 400)
  assert.equal((await session.write(batchOf([write(20, DC.index)]))).outcome, OUTCOME.ok)
  const [former] = await dotsOf([20])
  const holder = await connect(server('holder'))
  await holder.query('BEGIN')
  await holder.query(`SELECT FROM ${TEST_TABLE.name} WHERE key = 20 FOR UPDATE`)
  const [early, hung, behind] = await Promise.all(
    [19, 20, 21].map((key) => session.write(batchOf([write(key, DC.index)]))),
  )
  assert.equal(early.outcome, OUTCOME.ok)
  assert.deepEqual(hung, { outcome: OUTCOME.info, error: 'timeout' })
  assert.equal(behind.outcome, OUTCOME.info)
  await until('the end of the hung statement', async () => {
    return (await lockWaiters(observer)) === 0
  })
  await holder.query('ROLLBACK')
  await disconnect(holder)
  assert.deepEqual(await dotsOf([20, 21]), [former, 0])
  const again = [write(20, DC.index), write(22, DC.index)]
  for (const row of again) assert.deepEqual(await session.write(batchOf([row])), { outcome: OUTCOME.ok })
  assert.notEqual(former, 0)
  assert.deepEqual(
    await dotsOf([20, 22]),
    again.map(({ dot }) => dot),
  )
})

test('a lost connection leaves every write either acknowledged and stored, or unknown', async () => {
  await using session = await open('pipeline')
  const rows = Array.from({ length: 2000 }, (_, i) => write(1000 + i, DC.index))
  const writing = Promise.all(rows.map((row) => session.write(batchOf([row]))))
  await until('the first rows', async () => (await dotsOf([1000]))[0] !== 0)
  await observer.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'geowrite-write' AND query LIKE 'INSERT%'`,
  )
  const outcomes = (await writing).map(({ outcome }) => outcome)
  const unknown = outcomes.filter((outcome) => outcome === OUTCOME.info).length
  assert.ok(unknown > 0 && unknown < rows.length, `${unknown} of ${rows.length} unknown`)
  assert.equal(outcomes.filter((outcome) => outcome === OUTCOME.fail).length, 0)
  const dots = await dotsOf(rows.map(({ key }) => key))
  rows.forEach((row, i) => {
    if (outcomes[i] === OUTCOME.ok) assert.equal(dots[i], row.dot)
    else assert.ok([0, row.dot].includes(dots[i]))
  })
  const afterwards = write(1000, DC.index)
  assert.deepEqual(await session.write(batchOf([afterwards])), { outcome: OUTCOME.ok }, 'on a new connection')
  assert.deepEqual(await dotsOf([1000]), [afterwards.dot])
})

test('a copied batch is there as a whole with its content, and one with a key that is there fails as a whole', async () => {
  await using session = await open('copy')
  const rows = Array.from({ length: 20_000 }, (_, i) => write(100_000 + i, DC.index))
  assert.deepEqual(await session.write(batchOf(rows, OPERATION.insert)), { outcome: OUTCOME.ok })
  await using admin = await postgres.admin(deployment.endpoints, plan, AbortSignal.timeout(10_000))
  const keys = Float64Array.from([100_000, 107_777, 119_999])
  for await (const block of admin.rows(DC.name, { keys })) {
    assert.deepEqual([...block.keys], [...keys])
    for (let i = 0; i < block.count; i++) {
      assert.deepEqual(Buffer.from(block.contents[i]), Buffer.from(maker.expected(block.dots[i])))
    }
  }
  // The first row of a large batch is refused while the others are still on their way.
  const twice = [write(100_000, DC.index), ...Array.from({ length: 20_000 }, (_, i) => write(200_000 + i, DC.index))]
  assert.deepEqual(await session.write(batchOf(twice, OPERATION.insert)), {
    outcome: OUTCOME.fail,
    error: 'sqlstate_23505',
  })
  assert.deepEqual(await dotsOf([100_000, 200_000, 219_999]), [rows[0].dot, 0, 0])
  const next = write(300_000, DC.index)
  assert.deepEqual(await session.write(batchOf([next], OPERATION.insert)), { outcome: OUTCOME.ok })
  assert.deepEqual(await dotsOf([300_000]), [next.dot])
  await assert.rejects(session.write(batchOf([write(1, DC.index)])), { code: 'STORE', message: /copy cannot upsert/ })
  for (const [operation, message] of [
    [OPERATION.increment, /copy cannot increment/],
    [OPERATION.delete, /copy cannot delete/],
  ] as const) {
    await assert.rejects(session.write(batchOf([write(1, DC.index)], operation)), { code: 'STORE', message })
  }
})

test('the mode copy is refused for a workload that writes rows which are there', () => {
  const scenario = parseScenario({ driver: 'postgres', workload: 'profiles', mode: 'copy' })
  assert.throws(() => systemsOf(scenario, { drivers, workloads }), {
    code: 'USAGE',
    message: /copy of postgres can only insert rows.*profiles.*batch, single, pipeline/,
  })
})
