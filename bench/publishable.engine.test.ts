// Whole runs as they are published: warmed up until steady, and a write's round trips beside theory. GEOWRITE_PUBLISHABLE=all runs
// every replication of a store that warms up, against what its authors promise; the short form is one quick run, which says that it is
// not to be published.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { RunFacts } from './contract/run-folder.ts'
import { withRun } from './run.fixture.ts'

const ROOT = resolve(import.meta.dirname, '..')
const LONG = process.env['GEOWRITE_PUBLISHABLE'] === 'all' ? {} : { skip: 'only with GEOWRITE_PUBLISHABLE=all' }
const DELAY_MS = 40
const ROWS = 200_000
const UP_AND_LOADED_S = 60
const WHOLE_S = 300
const BEYOND_MS = 5
/** The stores' own work on a write, three syncs of a log in the worst case, on a small machine. */
const SERVER_WORK_MS = 10

interface Wait {
  readonly roundTrips: number
  readonly theory: number
  readonly theoryMs: number
  readonly beyondMs: number
}

interface Published {
  readonly seconds: number
  readonly facts: RunFacts
  readonly notForPublishing: readonly string[]
  readonly verdict: { readonly broken: readonly string[]; readonly reasons: readonly string[] }
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly low: number; readonly high: number }>>
  readonly waits: readonly Wait[]
}

/** One run from the command line, as a user would make it. */
async function published(t: TestContext, options: readonly string[]): Promise<Published> {
  const out = mkdtempSync(join(tmpdir(), 'geowrite-published-'))
  t.after(() => rmSync(out, { recursive: true, force: true }))
  const startedMs = performance.now()
  const arguments_ = [join(ROOT, 'bench/main.ts'), ...options, `--rows=${ROWS}`, '--json', `--out=${out}`]
  const child = spawn(process.execPath, arguments_, {
    cwd: out,
    timeout: 2000 * WHOLE_S,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await new Promise((done) => child.once('close', done))
  const seconds = (performance.now() - startedMs) / 1000
  assert.notEqual(stdout, '', stderr)
  const { systems, verdict, notForPublishing } = JSON.parse(stdout)
  const runs = join(out, readdirSync(out)[0], 'runs')
  const facts = JSON.parse(readFileSync(join(runs, readdirSync(runs)[0], 'run.json'), 'utf8')) as RunFacts
  const { metrics, writeWaits: waits } = systems[0]
  const warmUp = (facts.warmUp ?? []).map(
    ({ phase, steady, windows }) => `${phase} ${windows.length} windows, ${steady ? 'steady' : 'not steady'}`,
  )
  t.diagnostic(`${seconds.toFixed(0)} s in all; ${warmUp.join('; ')}; lag p50 ${metrics.lag_p50.value} ms`)
  for (const { dc, roundTrips, theory, theoryMs, beyondMs } of waits)
    t.diagnostic(
      `${dc}: ${roundTrips.toFixed(3)} round trips, theory ${theory} (${theoryMs.toFixed(1)} ms), ${beyondMs.toFixed(2)} ms beyond`,
    )
  return { seconds, facts, notForPublishing, verdict, metrics, waits }
}

test('a quick run says why it is not to be published, and that its local writes wait for no other DC', async () => {
  const load = { driver: 'memory', rows: 500, delay: '20ms', duration: '1s', warmup: '200ms' }
  await withRun(load, 500, async ({ analysis, value }) => {
    assert.match(analysis.notForPublishing?.join() ?? '', /--quick/)
    const at = { dc: 'us-east', peer: 'eu-west' }
    assert.equal(value('write_round_trips_theory', at), 0)
    const trips = value('write_round_trips', at) ?? Number.NaN
    const trip = value('rtt_p50', { ...at, phase: 'during' }) ?? Number.NaN
    assert.ok(Math.abs(trips * trip - (value('service_p50', { dc: at.dc }) ?? 0)) < 0.01)
    assert.ok(trips > 0 && trips < 0.5, `${trips} round trips`)
  })
})

// What theory leaves out is the stores' own work: at rates that leave a machine of two cores some air.
for (const [replication, rate, theory] of [
  ['local-quorum', 800, 0],
  ['each-quorum', 500, 1],
  ['serial', 100, 4],
] as const) {
  test(
    `cassandra ${replication} warms up until steady in time, and its writes take ${theory} round trips`,
    LONG,
    async (t) => {
      const run = await published(t, ['--driver=cassandra', `--replication=${replication}`, `--rate=${rate}`])
      const { facts, metrics, waits, verdict } = run
      const first = Math.min(...facts.phases.map(({ startUs }) => startUs)) / 1e6
      t.diagnostic(
        `up and loaded after ${first.toFixed(0)} s at most, of which loading ${facts.loading.seconds.toFixed(0)} s`,
      )
      assert.ok(first < UP_AND_LOADED_S && run.seconds < WHOLE_S, `${first} s, ${run.seconds} s`)
      assert.deepEqual([run.notForPublishing, verdict.broken], [[], []])
      assert.ok(
        facts.warmUp?.every(({ steady }) => steady),
        'steady',
      )
      for (const wait of waits) {
        assert.equal(wait.theory, theory)
        assert.ok(Math.abs(wait.beyondMs) < BEYOND_MS + (theory === 1 ? 0 : SERVER_WORK_MS), `${wait.beyondMs} ms`)
      }
      assert.equal(metrics['lost_writes'].value, 0)
      assert.ok(metrics['convergence'].value < 60)
      if (theory === 0) {
        assert.ok(metrics['lag_p50'].value <= DELAY_MS + 10, `${metrics['lag_p50'].value} ms`)
        const { low, high } = metrics['conflict_share']
        const predicted = metrics['conflict_share_predicted']
        assert.ok(predicted.high >= low && predicted.low <= high, `${low} to ${high}, predicted ${predicted.value}`)
      }
    },
  )
}
