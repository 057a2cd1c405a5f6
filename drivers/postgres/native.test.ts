// The servers' own subscriptions between two real servers: what arrives, what is counted, and kills in the middle.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Admin, Session } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { OPERATION } from '../../bench/contract/table.ts'
import { delay } from '../../bench/lib/clock.ts'
import { randomStream } from '../../bench/lib/random.ts'
import { joiningDirectly } from '../../bench/joining.fixture.ts'
import { postgres } from './driver.ts'
import { batchOf, maker, write } from './rows.fixture.ts'
import { TestDeployment, testPlan } from './servers.fixture.ts'

const SEED = 20_260_804
const ARRIVES_WITHIN_MS = 20_000
const plan = {
  ...testPlan({ shared_buffers: '64MB', max_wal_size: '1GB', streams: '3' }),
  replication: 'native',
}
const [EAST, WEST] = plan.dcs
let deployment: TestDeployment
let admin: Admin
let east: Session
let west: Session

const open = (dc: typeof EAST): Promise<Session> =>
  postgres.open(
    dc,
    deployment.endpoints,
    { plan, mode: 'batch', timeoutMs: 5000, purpose: 'write' },
    AbortSignal.timeout(10_000),
  )

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + ARRIVES_WITHIN_MS
  // A server that is just starting answers nothing: that is not yet.
  while (!(await holds().catch(() => false))) {
    if (performance.now() > giveUpAtMs) {
      const logs = [EAST, WEST].map(({ name }) => deployment.log(`postgres ${name}`).split('\n').slice(-8).join('\n'))
      assert.fail(`${what} did not come true; seed ${SEED}; ${logs.join('\n')}`)
    }
    await delay(20)
  }
}

async function equal(): Promise<boolean> {
  const [a, b] = await Promise.all([EAST, WEST].map(({ name }) => admin.digest(name, { buckets: 8 })))
  return a.counts.every((_, i) => a.counts[i] === b.counts[i] && a.sums[i] === b.sums[i] && a.xors[i] === b.xors[i])
}

before(async () => {
  deployment = await TestDeployment.create(plan)
  await deployment.start('deploy')
  admin = await postgres.admin(deployment.endpoints, plan, AbortSignal.timeout(60_000))
  await admin.prepare()
  await admin.replicate(joiningDirectly(deployment.endpoints))
  east = await open(EAST)
  west = await open(WEST)
})

after(async () => {
  await east?.[Symbol.asyncDispose]()
  await west?.[Symbol.asyncDispose]()
  await admin?.[Symbol.asyncDispose]()
  await deployment?.[Symbol.asyncDispose]()
})

test('rows of every stream arrive both ways, once, and leave no backlog', async () => {
  const fromEast = batchOf(Array.from({ length: 300 }, (_, key) => write(key, EAST.index)))
  const fromWest = batchOf(Array.from({ length: 300 }, (_, key) => write(1000 + key, WEST.index)))
  await Promise.all([east.write(fromEast), west.write(fromWest)])
  await eventually('arrival of all rows', equal)
  const there = await west.read(fromEast.keys)
  assert.deepEqual([...there.dots], [...fromEast.dots])
  assert.deepEqual([...there.versions], [...fromEast.versions])
  await eventually('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
  const { own, conflictsReported } = await admin.counters()
  // A row that was sent back would have met itself.
  assert.equal(conflictsReported?.count, 0)
  assert.deepEqual(
    [own['confl_insert_exists'], own['confl_update_origin_differs'], own['apply_error_count']],
    [0, 0, 0],
  )
})

test('a delete arrives as a tombstone, and a write of the other DC revives it there and here', async () => {
  const key = Float64Array.of(7)
  const contentAt = async (dc: typeof EAST) => {
    for await (const block of admin.rows(dc.name, { keys: key })) return Buffer.from(block.contents[0])
    return undefined
  }
  const [deleted, revived] = [write(7, EAST.index), write(7, WEST.index)]
  assert.equal((await east.write(batchOf([deleted], OPERATION.delete))).outcome, OUTCOME.ok)
  await eventually('the tombstone', async () => (await west.read(key)).dots[0] === deleted.dot)
  assert.deepEqual(await contentAt(WEST), Buffer.alloc(0))
  assert.equal((await west.write(batchOf([revived]))).outcome, OUTCOME.ok)
  await eventually('the revived row', async () => (await east.read(key)).dots[0] === revived.dot)
  assert.deepEqual(await contentAt(EAST), Buffer.from(maker.expected(revived.dot)))
  assert.ok(await equal())
})

test('causal writes of both DCs are reported as conflicts though none is one, and leave no row apart', async () => {
  const before = (await admin.counters()).conflictsReported?.count ?? 0
  const rounds = 6
  for (let round = 0; round < rounds; round++) {
    const [here, there, dc] = round % 2 === 0 ? [east, west, EAST] : [west, east, WEST]
    const row = write(5, dc.index)
    assert.equal((await here.write(batchOf([row]))).outcome, OUTCOME.ok)
    await eventually('arrival', async () => (await there.read(Float64Array.of(5))).dots[0] === row.dot)
  }
  assert.ok(await equal())
  const after = (await admin.counters()).conflictsReported?.count ?? 0
  // All but the first follow another DC's write.
  assert.ok(after - before >= rounds - 1, `${after - before} of ${rounds} causal writes reported`)
})

for (const [what, killed] of [
  ['source', EAST],
  ['receiver', WEST],
] as const) {
  test(`a ${what} killed under load and started again leaves no row behind`, async () => {
    const random = randomStream(SEED, 1)
    const stop = new AbortController()
    let acknowledged = 0
    const writing = (async () => {
      while (!stop.signal.aborted) {
        const keys = new Set(Array.from({ length: 200 }, () => random.uint32() % 3000))
        const { outcome } = await east.write(batchOf([...keys].map((key) => write(key, EAST.index))))
        if (outcome === OUTCOME.ok) acknowledged += keys.size
        else await delay(20)
      }
    })()
    try {
      for (let kill = 0; kill < 2; kill++) {
        const before = acknowledged
        await eventually('writing', async () => acknowledged > before + 1000)
        await deployment.kill(`postgres ${killed.name}`)
        await deployment.run(`postgres ${killed.name}`)
      }
    } finally {
      stop.abort()
      await writing
    }
    await eventually('equal tables', equal)
    await eventually('an empty backlog', async () => (await admin.backlog()).every(({ amount }) => amount === 0))
  })
}

test('the password stands in no server log', () => {
  for (const { name } of plan.dcs) {
    const log = deployment.log(`postgres ${name}`)
    assert.ok(log.includes('logical replication apply worker'), 'the log is the servers’')
    assert.equal(log.includes(plan.secret), false)
  }
})
