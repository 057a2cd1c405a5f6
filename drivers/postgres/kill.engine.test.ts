// A server of the local deployment that is killed with all its processes while it is written to, and started again.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Session } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { LocalDeployment } from '../../bench/deploy/local.ts'
import { processTree, startMark } from '../../bench/deploy/process-table.ts'
import { delay } from '../../bench/lib/clock.ts'
import { randomStream } from '../../bench/lib/random.ts'
import { postgres } from './driver.ts'
import { batchOf, write, type Row } from './rows.fixture.ts'
import { testPlan } from './servers.fixture.ts'

const SEED = 20_260_802
const KILLS = 3
const plan = { ...testPlan({ shared_buffers: '64MB', max_wal_size: '1GB' }), dcs: [{ name: 'us-east', index: 0 }] }
const [DC] = plan.dcs
const SERVER = `postgres ${DC.name}`

/** What is sure of a key: the last acknowledged write, and those after it that may or may not have happened. */
interface Known {
  acknowledged: Row | undefined
  readonly possible: Row[]
}

/** The process number of the server under a deployment's folder, as it wrote it down. */
function postmaster(folder: string): number {
  const own = readdirSync(folder).find((name) => name.includes(`postgres-${DC.name}`))
  assert.ok(own)
  return Number(readFileSync(join(folder, own, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000
  while (!holds()) {
    assert.ok(performance.now() < giveUpAtMs, `${what} did not come true; seed ${SEED}`)
    await delay(10)
  }
}

test(
  `a server killed ${KILLS} times under load starts again at once and has every acknowledged write`,
  { timeout: 60_000 },
  async () => {
    const signal = AbortSignal.timeout(60_000)
    const deaths: Error[] = []
    await using deployment = new LocalDeployment({
      runId: `kill-${process.pid}`,
      base: tmpdir(),
      onDeath: (error) => deaths.push(error),
    })
    await deployment.place(postgres.services(plan))
    await deployment.start('deploy', signal, () => undefined)
    await using admin = await postgres.admin(deployment.endpoints(), plan, signal)
    await admin.prepare()
    const options = { plan, mode: 'pipeline', timeoutMs: 5000, purpose: 'write' } as const
    const open = () => postgres.open(DC, deployment.endpoints(), options, signal)
    const sessions = await Promise.all([open(), open(), open(), open()])
    const known = new Map<number, Known>()
    const random = randomStream(SEED, 1)
    let acknowledged = 0

    /** Writes keys that no other writer has, each again and again, many at once. */
    const writeUntil = async (stop: AbortSignal, session: Session, writer: number) => {
      const one = async () => {
        while (!stop.aborted) {
          const key = (random.uint32() % 500) * sessions.length + writer
          const row = write(key, DC.index)
          const of = known.get(key) ?? { acknowledged: undefined, possible: [] }
          known.set(key, of)
          of.possible.push(row)
          const { outcome } = await session.write(batchOf([row]))
          const place = of.possible.indexOf(row)
          if (outcome === OUTCOME.ok) {
            acknowledged++
            of.acknowledged = row
            // What came before it is overwritten, or never happened.
            of.possible.splice(0, place + 1)
          } else if (outcome === OUTCOME.fail) of.possible.splice(place, 1)
        }
      }
      await Promise.all(Array.from({ length: 16 }, one))
    }

    const stop = new AbortController()
    const writing = Promise.all(sessions.map((session, writer) => writeUntil(stop.signal, session, writer)))
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const before = acknowledged
        await until('500 more acknowledged writes', () => acknowledged >= before + 500)
        const processes = processTree(postmaster(deployment.folder))
        assert.ok(processes.length > sessions.length)
        await deployment.kill(SERVER)
        // A server that starts while one of them still holds the shared memory refuses to.
        assert.deepEqual(
          processes.filter((pid) => startMark(pid) !== undefined),
          [],
        )
        await deployment.restart(SERVER, signal)
      }
    } finally {
      stop.abort()
      await writing
      await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()))
    }
    assert.deepEqual(deaths, [])
    const keys = Float64Array.from(known.keys())
    await using reader = await postgres.open(DC, deployment.endpoints(), { ...options, purpose: 'probe' }, signal)
    const { dots } = await reader.read(keys)
    const wrong = [...keys].filter((key, i) => {
      const { acknowledged: last, possible } = known.get(key) as Known
      return ![last, ...possible].some((row) => (row?.dot ?? 0) === dots[i])
    })
    assert.deepEqual(wrong, [], `keys whose row is no acknowledged or possible one; seed ${SEED}`)
  },
)
