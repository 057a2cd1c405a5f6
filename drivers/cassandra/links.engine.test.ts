// Three DCs of servers with links of different lengths: every pair must feel its own; with GEOWRITE_FAULTS=all also after a server
// was killed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeployPlan, Endpoints } from '../../bench/contract/driver.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { OPERATION } from '../../bench/contract/table.ts'
import type { Topology } from '../../bench/contract/topology.ts'
import { LocalDeployment } from '../../bench/deploy/local.ts'
import { provide } from '../../bench/deploy/provision.ts'
import { ContentMaker } from '../../bench/lib/content.ts'
import { nextVersion, packDot } from '../../bench/lib/dot.ts'
import { delay } from '../../bench/lib/clock.ts'
import { joiningThrough } from '../../bench/joining.fixture.ts'
import { linkEntry, relayServices, routesOf } from '../../bench/wan/links.ts'
import { cassandra } from './driver.ts'

const SEED = 7
const DCS = ['us-east', 'eu-west', 'ap-south'].map((name, index) => ({ name, index }))
/** One way, by pair of DC indices. */
const DELAYS_MS: Readonly<Record<string, number>> = { '0 1': 20, '0 2': 60, '1 2': 90 }
const COLUMNS = [{ name: 'note', type: 'text', minBytes: 20, maxBytes: 20 }] as const
const LONG = process.env['GEOWRITE_FAULTS'] === 'all'
const TRIES = LONG ? 15 : 6
/** The relay delivers this much early at most. */
const EARLY_MS = 1

const delayMs = (a: number, b: number): number => DELAYS_MS[`${Math.min(a, b)} ${Math.max(a, b)}`]
const topology: Topology = {
  dcs: DCS,
  links: DCS.flatMap((from) =>
    DCS.filter((to) => to !== from).map((to) => ({
      from: from.name,
      to: to.name,
      delayMs: delayMs(from.index, to.index),
      jitterMs: 0,
    })),
  ),
}
const defaults = Object.fromEntries(cassandra.settings.map((setting) => [setting.name, setting.default]))
const plan: DeployPlan = {
  dcs: DCS,
  replication: 'local-quorum',
  settings: { ...defaults, jit: 'c1', heap: '256M' },
  table: { name: 'rows', rows: 0, columns: COLUMNS },
  seed: SEED,
  causality: 'bounds',
  secret: 'of this test',
}
const maker = new ContentMaker(COLUMNS, SEED)
let sequence = 0
let version = 1_000_000

function batchOf(key: number, dcIndex: number) {
  const dot = packDot(dcIndex, 1, ++sequence)
  version = nextVersion(version, dcIndex)
  const columns = maker.allocate(1)
  maker.fill(columns, 0, dot)
  return {
    count: 1,
    keys: Float64Array.of(key),
    dots: Float64Array.of(dot),
    versions: Float64Array.of(version),
    operations: Uint8Array.of(OPERATION.upsert),
    columns,
    atomic: false,
  }
}

/** For each ordered pair of DCs the shortest time from the send of a write in one until a read in the other shows it. */
async function shortestLags(endpoints: Endpoints, signal: AbortSignal): Promise<Map<string, number>> {
  const lags = new Map<string, number>()
  const options = { plan, mode: 'single', timeoutMs: 5000 } as const
  const sessions = await Promise.all(
    DCS.map(async (dc) => ({
      dc,
      writer: await cassandra.open(dc, endpoints, { ...options, purpose: 'write' }, signal),
      reader: await cassandra.open(dc, endpoints, { ...options, purpose: 'probe' }, signal),
    })),
  )
  try {
    for (const { dc: from, writer } of sessions) {
      for (let i = 0; i < TRIES; i++) {
        const batch = batchOf(1000 + i, from.index)
        const sentMs = performance.now()
        const written = writer.write(batch)
        await Promise.all(
          sessions
            .filter(({ dc }) => dc !== from)
            .map(async ({ dc: to, reader }) => {
              while ((await reader.read(batch.keys)).dots[0] !== batch.dots[0]) {
                assert.ok(performance.now() < sentMs + 20_000, `no write of ${from.name} in ${to.name}; seed ${SEED}`)
                await delay(1)
              }
              const pair = `${from.index} ${to.index}`
              lags.set(pair, Math.min(lags.get(pair) ?? Number.POSITIVE_INFINITY, performance.now() - sentMs))
            }),
        )
        assert.equal((await written).outcome, OUTCOME.ok)
      }
    }
  } finally {
    await Promise.all(
      sessions.flatMap(({ writer, reader }) => [writer, reader].map((one) => one[Symbol.asyncDispose]())),
    )
  }
  return lags
}

function assertOwnLinks(lags: ReadonlyMap<string, number>, when: string): void {
  assert.equal(lags.size, 6)
  for (const [pair, lagMs] of lags) {
    const [from, to] = pair.split(' ').map(Number)
    const own = delayMs(from, to)
    assert.ok(lagMs >= own - EARLY_MS, `${when}, ${pair}: ${lagMs} ms is less than the link's ${own} ms`)
    // The next longer link is 30 ms away: the shortest of many tries must not take it.
    assert.ok(lagMs < own + 30, `${when}, ${pair}: ${lagMs} ms is more than the link's ${own} ms explains`)
  }
}

test(
  `in three DCs with unequal links every write takes the link of its own pair${LONG ? ', also after a server was killed' : ''}`,
  { timeout: 200_000 },
  async (context) => {
    const missing = await cassandra.missing(plan.settings)
    if (missing !== undefined) return context.skip(missing)
    const signal = AbortSignal.timeout(190_000)
    await provide(cassandra.provisions?.(plan.settings) ?? [], signal, () => undefined)
    const deaths: Error[] = []
    await using deployment = new LocalDeployment({
      runId: `cassandra-links-${process.pid}`,
      onDeath: (error) => deaths.push(error),
    })
    const services = cassandra.services(plan)
    await deployment.place(services)
    await deployment.place(relayServices(topology, routesOf(topology, services), SEED))
    deployment.route((from, to, port) => linkEntry(topology, from, to, port))
    await deployment.start('links', signal, () => undefined)
    await deployment.start('deploy', signal, () => undefined)
    const endpoints = deployment.endpoints()
    await using admin = await cassandra.admin(endpoints, plan, signal)
    await admin.prepare()
    await admin.load(
      function* () {},
      () => undefined,
    )
    await admin.replicate(joiningThrough(deployment))
    assertOwnLinks(await shortestLags(endpoints, signal), 'at first')

    if (LONG) {
      await deployment.kill('cassandra ap-south')
      await deployment.restart('cassandra ap-south', signal)
      assertOwnLinks(await shortestLags(endpoints, signal), 'after the kill')
    }
    assert.deepEqual(deaths, [])
  },
)
