// Whole runs in containers: every driver and replication works there, and every kind of fault is lived through, as between
// processes. `npm run docker-faults` breaks everything in every system, one by one.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { DOCKER_TEST } from './deploy/docker/container.fixture.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

/** A JVM shares two cores with all others. */
const PATIENT = { ...DOCKER_TEST, timeout: 240_000 }
const OPTIONS = { deployment: 'docker', rows: 5000, overlap: 0.3, seed: 7, warmup: '1s' }
const JVM = { warmup: '3s', set: ['cassandra.jit=c1'] }
const RATE = 500

/** What holds of every run: no write is there before the WAN can have brought it, and what the WAN carried is counted. */
function judge({ value, analysis }: FinishedRun, t: TestContext): void {
  const lagMs = value('lag_p50') ?? 0
  const responseMs = value('response_p50') ?? 0
  const [there, back] = [
    value('wan_bytes', { dc: 'us-east', peer: 'eu-west' }) ?? 0,
    value('wan_bytes', { dc: 'eu-west', peer: 'us-east' }) ?? 0,
  ]
  t.diagnostic(`seed 7, lag p50 ${lagMs} ms, WAN ${there} and ${back} ×, CPU ${value('server_cpu')} s`)
  // Whoever waits for the other DC is through when both have it.
  if (analysis.capabilities.acknowledges === 'local') assert.ok(lagMs > 40, `${lagMs} ms`)
  else assert.ok(responseMs > 80, `${responseMs} ms`)
  // Each DC ships the half that it wrote: keys and values at least, and not many times as much.
  for (const share of [there, back]) assert.ok(share > 0.5 && share < 3, `${share} ×`)
  assert.ok((value('server_cpu') ?? 0) > 0)
}

function losesNothing({ analysis, value }: FinishedRun): void {
  assert.deepEqual(analysis.verdict.broken, [])
  assert.equal(value('lost_writes'), 0)
  assert.equal(value('divergent_rows'), 0)
}

for (const [driver, replication] of [
  ['memory', 'lww'],
  ['cassandra', 'each-quorum'],
] as const) {
  const more = driver === 'cassandra' ? JVM : {}
  test(`${driver} ${replication} runs in containers and loses nothing`, PATIENT, (t) =>
    withRun({ ...OPTIONS, ...more, driver, replication }, RATE, async (finished) => {
      judge(finished, t)
      losesNothing(finished)
    }),
  )
}

test('servers of containers subscribe to one another through the link', PATIENT, (t) =>
  withRun({ ...OPTIONS, driver: 'postgres', replication: 'native' }, RATE, async (finished) => {
    judge(finished, t)
    // Concurrent writes leave the DCs apart, as it must be: what was not concurrent is in both.
    assert.ok((finished.value('visible') ?? 0) > 0.8 * (finished.value('acknowledged') ?? Infinity))
  }),
)

/**
 * Of 2 s each, with time between them to catch up: who connects to a container that is gone is not refused, and TCP asks again
 * after 1, 3 and 7 s.
 */
const GROUPS = [
  {
    faults: [
      'blackhole us-east|eu-west',
      'cut us-east>eu-west',
      'slow us-east>eu-west delay=250ms bandwidth=1MB/s',
      'reset us-east|eu-west',
    ],
    apartSeconds: 6,
  },
  { faults: ['pause eu-west', 'kill us-east|eu-west', 'restart eu-west', 'kill us-east'], apartSeconds: 14 },
]

for (const [driver, replication] of [
  ['lsm', 'log'],
  ['postgres', 'cdc'],
] as const) {
  for (const { faults, apartSeconds } of GROUPS) {
    test(
      `${driver} ${replication} in containers: ${faults.join(', ')}: nothing is lost, and all is caught up with`,
      PATIENT,
      (t) =>
        withRun(
          {
            ...OPTIONS,
            driver,
            replication,
            duration: `${2 + apartSeconds * faults.length}s`,
            fault: faults.map((fault, i) => `${fault} at=${2 + apartSeconds * i}s for=2s`),
          },
          RATE,
          async (finished) => {
            judge(finished, t)
            losesNothing(finished)
            for (const fault of faults) {
              const of = (metric: string) => finished.value(metric, { phase: fault })
              t.diagnostic(`${fault}: backlog ${of('fault_backlog_peak')} rows, caught up in ${of('fault_catch_up')} s`)
              assert.notEqual(of('fault_catch_up'), null, `${fault}: never caught up`)
              // A DC writes 250 rows/s: what it wrote in most of the fault has piled up, in one direction at least.
              const piled = fault.startsWith('slow') ? RATE * 0.04 : RATE / 2
              assert.ok(
                (of('fault_backlog_peak') ?? 0) > piled,
                `${fault}: backlog of ${of('fault_backlog_peak')} rows`,
              )
            }
          },
        ),
    )
  }
}
