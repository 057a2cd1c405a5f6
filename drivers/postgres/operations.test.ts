// Deletes and increments on two real servers: what is stored, what arrives, and what concurrent ones come to.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from 'pg'
import type { Admin, Session } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { OPERATION, OPERATION_NAMES, type RowBatch, type Table } from '../../bench/contract/table.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { delay } from '../../bench/lib/clock.ts'
import { ContentMaker, encodeContent, encodedLength } from '../../bench/lib/content.ts'
import { randomStream } from '../../bench/lib/random.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { connect, disconnect } from './connect.ts'
import { postgres } from './driver.ts'
import { pipelineName, SQL_PORT } from './names.ts'
import { batchOf, write, type Row } from './rows.fixture.ts'
import { TestDeployment, testPlan } from './servers.fixture.ts'

const SEED = 20_261_124
const COUNTED: Table = {
  name: 'pages',
  rows: 0,
  columns: [
    { name: 'title', type: 'text', minBytes: 0, maxBytes: 20 },
    { name: 'views', type: 'int', min: 1, max: 9, counter: true },
    { name: 'size', type: 'int', min: -9, max: 9 },
    { name: 'score', type: 'int', min: -3, max: 3, counter: true },
  ],
}
const maker = new ContentMaker(COUNTED.columns, SEED)
const plan = testPlan({ shared_buffers: '64MB', max_wal_size: '1GB' }, COUNTED)
const [EAST, WEST] = plan.dcs
const PIPELINES = [pipelineName(EAST.name, WEST.name), pipelineName(WEST.name, EAST.name)]
const OPERATIONS = Object.values(OPERATION)
let deployment: TestDeployment
let admin: Admin
let east: Session
let west: Session

const open = (dc: Dc, mode = 'batch'): Promise<Session> =>
  postgres.open(
    dc,
    deployment.endpoints,
    { plan, mode, timeoutMs: 5000, purpose: 'write' },
    AbortSignal.timeout(10_000),
  )
const counted = (rows: readonly Row[]): RowBatch => batchOf(rows, OPERATION.upsert, maker)
const doing = (operation: number, key: number, dc: Dc): Row => ({ ...write(key, dc.index), operation })
const one = (operation: number, key: number, dc: Dc): RowBatch => counted([doing(operation, key, dc)])

async function stored(session: Session, batch: RowBatch): Promise<void> {
  assert.deepEqual(await session.write(batch), { outcome: OUTCOME.ok })
}

async function converged(): Promise<boolean> {
  const [a, b] = await Promise.all([EAST, WEST].map(({ name }) => admin.digest(name, { buckets: 4 })))
  return a.counts.every((_, i) => a.counts[i] === b.counts[i] && a.sums[i] === b.sums[i] && a.xors[i] === b.xors[i])
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs)
      assert.fail(
        `${what} did not come true; seed ${SEED}; ${PIPELINES.map((name) => deployment.log(name)).join('\n')}`,
      )
    await delay(10)
  }
}

/** What a DC holds of some keys: dot and content, by key. */
async function held(dc: Dc, keys: readonly number[]): Promise<Map<number, { dot: number; content: Buffer }>> {
  const rows = new Map<number, { dot: number; content: Buffer }>()
  for await (const block of admin.rows(dc.name, { keys: Float64Array.from(keys) })) {
    for (let i = 0; i < block.count; i++)
      rows.set(block.keys[i], { dot: block.dots[i], content: Buffer.from(block.contents[i]) })
  }
  return rows
}

/** What an operation leaves of the former content, worked out apart from the driver. */
function leaves(batch: RowBatch, row: number, former: Buffer): Buffer {
  if (batch.operations[row] === OPERATION.delete) return Buffer.alloc(0)
  const content = Buffer.alloc(encodedLength(batch.columns, row))
  encodeContent(batch.columns, row, content, 0)
  if (batch.operations[row] !== OPERATION.increment || former.length === 0) return content
  // The three numbers stand last: views, size, score.
  for (const fromEnd of [12, 4]) {
    const sum = content.readInt32LE(content.length - fromEnd) + former.readInt32LE(former.length - fromEnd)
    content.writeInt32LE(sum, content.length - fromEnd)
  }
  return content
}

/** Runs `body` while nothing is replicated. */
async function apart(body: () => Promise<void>): Promise<void> {
  await Promise.all(PIPELINES.map((name) => deployment.kill(name)))
  await body()
  await Promise.all(PIPELINES.map((name) => deployment.run(name)))
}

before(async () => {
  deployment = await TestDeployment.create(plan)
  await deployment.start('deploy')
  admin = await postgres.admin(deployment.endpoints, plan, AbortSignal.timeout(30_000))
  await admin.prepare()
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

for (const mode of ['batch', 'single', 'pipeline']) {
  test(`any mixture of operations leaves what it should in both DCs, written as ${mode}`, async () => {
    await using session = await open(EAST, mode)
    const random = randomStream(SEED, mode.length)
    const expected = new Map<number, { dot: number; content: Buffer }>()
    const done = new Set<string>()
    const writing: Promise<void>[] = []
    for (let round = 0; round < 40; round++) {
      const count = mode === 'batch' ? 1 + (random.uint32() % 30) : 1
      const keys = new Set(Array.from({ length: count }, () => random.uint32() % (mode === 'batch' ? 50 : 5)))
      const batch = counted([...keys].map((key) => doing(OPERATIONS[random.uint32() % 4], key, EAST)))
      for (let row = 0; row < batch.count; row++) {
        const former = expected.get(batch.keys[row])?.content ?? Buffer.alloc(0)
        const had = former.length === 0 ? 'nothing' : 'a row'
        done.add(`${OPERATION_NAMES[batch.operations[row]]} on ${had}`)
        expected.set(batch.keys[row], { dot: batch.dots[row], content: leaves(batch, row, former) })
      }
      writing.push(stored(session, batch))
      if (mode !== 'pipeline') await writing.at(-1)
    }
    await Promise.all(writing)
    assert.equal(done.size, 8, `every operation was tried on a row and on none; seed ${SEED}`)
    await eventually('convergence', converged)
    for (const dc of [EAST, WEST])
      assert.deepEqual(
        await held(
          dc,
          [...expected.keys()].sort((a, b) => a - b),
        ),
        new Map([...expected].sort(([a], [b]) => a - b)),
      )
  })
}

test('a digest tells a tombstone from a row of empty columns', async () => {
  await stored(east, one(OPERATION.delete, 100, EAST))
  await eventually('convergence', converged)
  const client: Client = await connect({
    address: deployment.endpoints[WEST.name][SQL_PORT],
    secret: plan.secret,
    application: 'falsifier',
    patienceMs: 0,
    attemptMs: 5000,
  })
  try {
    for (const change of [`title = '', views = 0, size = 0, score = 0`, `title = NULL, views = NULL`]) {
      await client.query(`UPDATE pages SET ${change} WHERE key = 100`)
      assert.equal(await converged(), false, change)
    }
    assert.notEqual((await held(WEST, [100])).get(100)?.content.length, 0, 'half a tombstone is none')
    await client.query(`UPDATE pages SET size = NULL, score = NULL WHERE key = 100`)
    assert.ok(await converged())
  } finally {
    await disconnect(client)
  }
})

test('an older write that arrives late does not bring a deleted row back, a later one does', async () => {
  await stored(east, one(OPERATION.upsert, 200, EAST))
  await eventually('convergence', converged)
  const older = one(OPERATION.upsert, 200, WEST)
  const deleted = one(OPERATION.delete, 200, EAST)
  await apart(async () => {
    await stored(east, deleted)
    await stored(west, older)
  })
  await eventually('convergence', converged)
  assert.deepEqual(await held(WEST, [200]), new Map([[200, { dot: deleted.dots[0], content: Buffer.alloc(0) }]]))
  const later = one(OPERATION.upsert, 200, WEST)
  await stored(west, later)
  await eventually('convergence', converged)
  const revived = { dot: later.dots[0], content: leaves(later, 0, Buffer.alloc(0)) }
  assert.deepEqual(await held(EAST, [200]), new Map([[200, revived]]))
})

test('of concurrent increments only the newer one is left, added to what its own DC had', async () => {
  const first = one(OPERATION.upsert, 300, EAST)
  await stored(east, first)
  await eventually('convergence', converged)
  const lost = one(OPERATION.increment, 300, EAST)
  const kept = one(OPERATION.increment, 300, WEST)
  await apart(async () => {
    await stored(east, lost)
    await stored(west, kept)
  })
  await eventually('convergence', converged)
  const content = leaves(kept, 0, leaves(first, 0, Buffer.alloc(0)))
  assert.deepEqual(await held(EAST, [300]), new Map([[300, { dot: kept.dots[0], content }]]))
})

test('an increment beyond 32 bits fails with its whole batch', async () => {
  const full = counted([doing(OPERATION.upsert, 400, EAST), doing(OPERATION.upsert, 401, EAST)])
  const [, views] = full.columns
  if (views.type === 'int') views.values[0] = 2 ** 31 - 1
  await stored(east, full)
  const batch = counted([doing(OPERATION.increment, 400, EAST), doing(OPERATION.increment, 401, EAST)])
  assert.deepEqual(await east.write(batch), { outcome: OUTCOME.fail, error: 'sqlstate_22003' })
  assert.deepEqual([...(await east.read(full.keys)).dots], [...full.dots])
})
