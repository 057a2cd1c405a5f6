// The audit breaks a run for what it should and for nothing else; docs/measures.md shows the same bounds.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { OUTCOME } from '../contract/outcome.ts'
import type { RunFacts } from '../contract/run-folder.ts'
import { AUDIT_BOUNDS } from './audit-table.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

/** A calm run: ten writes a second in each DC for ten seconds, each probed. */
const WRITES = Array.from({ length: 200 }, (_, i) => ({ dc: i % 2, key: i, sentMs: i * 50 + 1, ackedMs: i * 50 + 3 }))
const PROBES = WRITES.map(({ dc, ackedMs }, write) => ({
  peer: 1 - dc,
  write,
  missMs: ackedMs + 40,
  closedMs: ackedMs + 42,
}))

async function verdictOf(change: Partial<PlantedRun>) {
  using folder = scratchFolder()
  plant(folder.path, { writes: WRITES, probes: PROBES, ...change })
  return (await analyseRun(folder.path)).verdict
}

const facts = (change: (facts: RunFacts) => Partial<RunFacts>) => ({
  facts: (all: RunFacts): RunFacts => ({ ...all, ...change(all) }),
})
const worker = (change: Partial<RunFacts['workers'][number]>) =>
  facts(({ workers }) => ({ workers: workers.map((one) => ({ ...one, ...change })) }))
const rtt = (rows: readonly string[]) => ({ csv: { 'rtt.csv': ['at_s,from,to,phase,rtt_ms', ...rows, ''].join('\n') } })

test('a calm run is valid', async () => {
  assert.deepEqual(await verdictOf(rtt(['1,us-east,eu-west,during,0.5'])), {
    status: 'valid',
    reasons: [],
    warnings: [],
    broken: [],
  })
})

test('jitter that was asked for does not count as being off nominal; more than it does', async () => {
  const jitter = facts(({ scenario }) => ({
    scenario: {
      ...scenario,
      topology: {
        ...scenario.topology,
        links: scenario.topology.links.map((link) => ({ ...link, jitterMs: 2 })),
      },
    },
  }))
  const verdict = (rttMs: number) => verdictOf({ ...rtt([`1,us-east,eu-west,during,${rttMs}`]), ...jitter })
  assert.equal((await verdict(6)).status, 'valid')
  assert.match((await verdict(7)).reasons[0], /Link RTT p50 off nominal was 3 ms/)
})

for (const [what, change, reason] of [
  [
    'a client that sent late',
    worker({ slipP99Ms: 55 }),
    /Schedule slip p99 was 55 ms \(us-east, worker 0\) where 50 ms is allowed/,
  ],
  ['a thread that stood still', worker({ eventLoopP99Ms: 80 }), /Event-loop delay p99 was 80 ms/],
  ['a generator without room', worker({ utilisation: 0.95 }), /Generator utilisation was 0\.95/],
  ['dropped arrivals', worker({ dropped: 5 }), /Dropped arrivals was 0\.05/],
  ['a rate not kept up with', worker({ offered: 150 }), /Offered but not acknowledged in time was 0\.333 where/],
  [
    'a WAN that was not the one asked for',
    rtt(['1,us-east,eu-west,after,3']),
    /Link RTT p50 off nominal was 3 ms \(us-east to eu-west, after\)/,
  ],
  ['a machine shared with others', facts(() => ({ pressure: { cpuSomeShare: 0.1, stealShare: 0.2 } })), /stolen/],
  [
    'DCs that started unequal',
    facts(({ convergence }) => ({ convergence: { ...convergence, startedEqual: false } })),
    /start with equal rows/,
  ],
  [
    'a drain that ended too early',
    facts(({ convergence }) => ({ convergence: { ...convergence, timedOut: true } })),
    /had not become equal/,
  ],
] as const) {
  test(`${what}: invalid, with the reason`, async () => {
    const verdict = await verdictOf(change)
    assert.equal(verdict.status, 'invalid')
    assert.equal(verdict.reasons.length, 1, verdict.reasons.join(' '))
    assert.match(verdict.reasons[0], reason)
  })
}

const growing = {
  probes: WRITES.map(({ dc, ackedMs }, write) => ({
    peer: 1 - dc,
    write,
    missMs: ackedMs + 40 + write,
    closedMs: ackedMs + 42 + write,
  })),
}

test('a lag that grows makes the run invalid, a quick one only warned of', async () => {
  const verdict = await verdictOf(growing)
  assert.match(verdict.reasons.join(), /Trend of the lag p50 was 1\.\d+ where 0\.25 is allowed/)
  const quick = await verdictOf({
    ...growing,
    ...facts(({ scenario }) => ({ scenario: { ...scenario, quick: true } })),
  })
  assert.equal(quick.status, 'valid')
  assert.match(quick.warnings.join(), /Trend of the lag p50/)
})

test('a slip that is much of the tail of the response times is warned of, a small one is not', async () => {
  const warned = /Schedule slip p99 ÷ response p99 was [\d.]+ \(us-east, worker 0\) where 0\.5 is allowed/
  const late = await verdictOf(worker({ slipP99Ms: 30 }))
  assert.equal(late.status, 'valid')
  assert.match(late.warnings.join(), warned)
  assert.doesNotMatch((await verdictOf(worker({ slipP99Ms: 4.9 }))).warnings.join(), warned)
})

test('in closed loop the lag and the schedule are not judged', async () => {
  const verdict = await verdictOf({
    ...growing,
    ...facts(({ scenario, workers }) => ({
      scenario: { ...scenario, rowsPerSecond: null },
      workers: workers.map((one) => ({ ...one, slipP99Ms: 900, dropped: 9 })),
    })),
  })
  assert.equal(verdict.status, 'valid')
})

test('a run in which nothing was acknowledged is invalid, in closed loop too', async () => {
  const refused = WRITES.map((write) => ({ ...write, outcome: OUTCOME.fail }))
  const closed = facts(({ scenario }) => ({ scenario: { ...scenario, rowsPerSecond: null, rateAsked: 'max' } }))
  const nothing = /^No write of the measured phase was acknowledged/
  assert.match((await verdictOf({ ...closed, writes: refused, probes: [] })).reasons.join(), nothing)
  assert.deepEqual((await verdictOf({ ...closed, writes: [WRITES[0], ...refused.slice(1)], probes: [] })).reasons, [])
})

test('a value just above its bound keeps the digits that tell it from the bound', async () => {
  assert.match((await verdictOf(worker({ slipP99Ms: 50.00412 }))).reasons[0], /was 50\.004 ms .* where 50 ms/)
  assert.match((await verdictOf(worker({ slipP99Ms: 58.4631 }))).reasons[0], /was 58\.5 ms/)
})

const cpu = (cpuSecondsAt: (second: number) => number) => {
  const lines = Array.from({ length: 13 }, (_, s) =>
    ['store', 'link'].map(
      (role) => `${s - 1}.2,${role} a,us-east,${role},${role === 'store' ? cpuSecondsAt(s - 0.8) : s * s},0,,`,
    ),
  )
  const header = 'at_s,service,dc,role,cpu_s,resident_bytes,storage_write_bytes,storage_read_bytes'
  return { csv: { 'resources.csv': [header, ...lines.flat()].join('\n') } }
}
const cpuFalls = /Fall of the stores’ CPU time a row was ([\d.]+) where 0\.15 is allowed: .*--warmup=steady/

test('a store whose rows cost ever less CPU is warned of, by how much; one that costs ever more is not', async () => {
  // From 30 ms a second at the start to 15 at the end, of 20 rows a second each: the fall is two thirds of the middle.
  const falling = await verdictOf(cpu((s) => 0.03 * s - 0.00075 * s * s))
  assert.equal(falling.status, 'valid')
  assert.doesNotMatch(falling.warnings.join(), cpuFalls, 'a fiftieth of a core')
  const found = cpuFalls.exec((await verdictOf(cpu((s) => 0.3 * s - 0.0075 * s * s))).warnings.join())
  assert.ok(Math.abs(Number(found?.[1]) - 0.6) < 0.08, `${found?.[1]}`)
  assert.doesNotMatch((await verdictOf(cpu((s) => 0.15 * s + 0.0075 * s * s))).warnings.join(), cpuFalls)
  assert.doesNotMatch((await verdictOf(cpu((s) => 0.3 * s))).warnings.join(), cpuFalls)
})

test('a run whose warm-up ended before it was steady says so', async () => {
  const warmedUp = (fall: number, steady: boolean) =>
    verdictOf(facts(() => ({ warmUp: [{ phase: 'warmup' as const, steady, fall, windows: [] }] })))
  const cold = await warmedUp(0.31, false)
  assert.equal(cold.status, 'valid')
  assert.match(cold.warnings.join(), /Fall of a row’s cost as the warm-up ended was 0\.31 where 0\.05 is allowed/)
  assert.deepEqual((await warmedUp(0.04, true)).warnings, [])
})

test('a backlog that grows makes the run invalid', async () => {
  const lines = Array.from({ length: 10 }, (_, s) => `${s}.5,us-east,eu-west,0,0,${s * 10},rows`)
  const csv = { 'links.csv': ['at_s,from,to,payload_bytes,held_bytes,backlog,backlog_unit', ...lines].join('\n') }
  // 90 rows more at 20 rows/s are 4.5 seconds of writes.
  assert.match((await verdictOf({ csv })).reasons.join(), /Growth of the replication backlog was 4\.5 s of writes/)
})

test('divergence breaks the promise of a system that converges, and is what one that diverges says of itself', async () => {
  const divergent = { total: 3, rows: [] }
  assert.match((await verdictOf(facts(() => ({ divergent })))).broken.join(), /3 rows differ/)
  const diverges = facts(({ system }) => ({
    divergent,
    system: { ...system, capabilities: { ...system.capabilities, conflicts: 'diverges' } },
  }))
  assert.deepEqual((await verdictOf(diverges)).broken, [])
})

test('docs/measures.md shows every bound of the table as it is', () => {
  // A formatter may pad a table's cells.
  const text = readFileSync(join(import.meta.dirname, '../../docs/measures.md'), 'utf8').replaceAll(/ +/g, ' ')
  for (const { name, bound, unit, makes, steadiness } of Object.values(AUDIT_BOUNDS)) {
    const row = `| ${name} | ${bound} | ${unit} | ${makes}${steadiness ? ', `quick`: warning' : ''} |`
    assert.ok(text.includes(row), `docs/measures.md lacks the row: ${row}`)
  }
})
