// Faults in the middle of runs on real engines: nothing acknowledged is lost, the DCs become equal again, and the report says
// how far they fell behind and when they had caught up. GEOWRITE_FAULTS=all breaks everything in every system, one by one;
// GEOWRITE_DEPLOYMENT=docker breaks it in containers.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { drivers } from '../drivers/index.ts'
import { RUN_FILES } from './contract/run-folder.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const ALL = process.env['GEOWRITE_FAULTS'] === 'all'
const DEPLOYMENT = process.env['GEOWRITE_DEPLOYMENT'] ?? 'local'

interface Broken {
  readonly driver: string
  readonly replication: string
  /** Without times. */
  readonly faults: readonly string[]
  readonly load?: Load
}

/** How a system is driven, and how long each fault lasts. */
interface Load {
  readonly rowsPerSecond: number
  readonly lengthMs: number
  /** Between the starts of two faults: enough for a store to come back and for the other DC to catch up. */
  readonly apartMs: number
  readonly options: Readonly<Record<string, unknown>>
}

const LINK_FAULTS = [
  'partition us-east|eu-west',
  'cut us-east>eu-west',
  'reset us-east|eu-west',
  'slow us-east>eu-west delay=250ms bandwidth=100KB/s',
  'kill us-east|eu-west',
  'pause us-east|eu-west',
  'restart us-east|eu-west',
]
const STORE_FAULTS = ['kill eu-west', 'pause eu-west', 'restart us-east']
const SERVICE_FAULTS = ['kill eu-west/cdc', 'pause eu-west/cdc', 'restart us-east/cdc']

const FIRST_MS = 1200
const USUAL: Load = {
  rowsPerSecond: 2000,
  lengthMs: ALL ? 1500 : 700,
  apartMs: ALL ? 7000 : 3500,
  options: { rows: 10_000, warmup: '500ms' },
}
/** A JVM takes seconds to start, gives a write up after two and hands it over by hint ten to twenty seconds after a peer is back. */
const OF_JVMS: Load = {
  rowsPerSecond: 300,
  lengthMs: 4000,
  apartMs: 40_000,
  options: { rows: 3000, warmup: '3s', set: ['cassandra.jit=c1'] },
}

const one = (driver: string, replication: string, faults: readonly string[], load: Load = USUAL): Broken[] =>
  faults.map((fault) => ({ driver, replication, faults: [fault], load }))

/** A few runs with several faults each; or one run for every fault of every system. */
const GRID: readonly Broken[] = ALL
  ? [
      ...one('postgres', 'cdc', [...LINK_FAULTS, ...STORE_FAULTS, ...SERVICE_FAULTS]),
      ...one('lsm', 'log', [...LINK_FAULTS, ...STORE_FAULTS]),
      ...one('memory', 'lww', [...LINK_FAULTS, 'pause eu-west']),
      ...one('cassandra', 'local-quorum', [...LINK_FAULTS, ...STORE_FAULTS], OF_JVMS),
    ]
  : [
      {
        driver: 'postgres',
        replication: 'cdc',
        faults: ['partition us-east|eu-west', 'kill eu-west/cdc', 'kill eu-west'],
      },
      {
        driver: 'lsm',
        replication: 'log',
        faults: ['reset us-east|eu-west', 'slow us-east>eu-west delay=250ms', 'pause eu-west', 'kill us-east|eu-west'],
      },
    ]

/** Whether a fault keeps the clients of a DC from writing. */
const stopsWriters = (fault: string) => /^(kill|pause|restart) [a-z-]+$/.test(fault)

function judge({ value, analysis, folder }: FinishedRun, fault: string, load: Load, t: TestContext): void {
  const { rowsPerSecond, lengthMs } = load
  const of = (metric: string, at: { dc?: string; peer?: string } = {}) => value(metric, { ...at, phase: fault })
  const backlog = of('fault_backlog_peak') ?? 0
  const catchUp = of('fault_catch_up')
  t.diagnostic(
    `${fault}: backlog ${backlog} rows, caught up after ${catchUp} s, longest lag ${of('fault_lag_max')} ms, outage ${of('fault_outage')} s, failed ${of('fault_failed')}, unknown ${of('fault_unknown')}`,
  )
  assert.notEqual(catchUp, null, `${fault}: never caught up`)
  // A DC writes half the rate: what it wrote in most of the fault has piled up, in one direction at least.
  const piled = fault.startsWith('slow') ? rowsPerSecond * 0.04 : (rowsPerSecond / 2) * (lengthMs / 1000) * 0.5
  assert.ok(backlog > piled, `${fault}: backlog of ${backlog} rows`)
  assert.ok((of('fault_lag_max') ?? 0) > (fault.startsWith('slow') ? 200 : lengthMs * 0.8))
  const reported = analysis.metrics.filter((m) => m.metric === 'fault_backlog_reported' && m.phase === fault)
  assert.ok(
    reported.some((m) => (m.value ?? 0) > 0),
    'the store’s own word on the backlog',
  )
  const outage = Math.max(...analysis.dcs.map((dc) => of('fault_outage', { dc }) ?? 0))
  // A busy machine begins late and mends in time.
  const { startSeconds = 0, mendSeconds = 0 } = analysis.faults?.find(({ name }) => name === fault) ?? {}
  if (stopsWriters(fault)) assert.ok(outage > (mendSeconds - startSeconds) * 0.9, `${fault}: outage ${outage} s`)
  else assert.ok(outage < lengthMs / 1000, `${fault}: outage ${outage} s`)
  const events = readFileSync(join(folder, RUN_FILES.events), 'utf8').split('\n')
  for (const what of ['start', 'mend', 'end']) assert.ok(events.some((line) => line.endsWith(`fault,${fault},${what}`)))
}

/** What the machine lacks for a driver. */
function missingFor(name: string): Promise<string | undefined> | undefined {
  const driver = drivers.find((entry) => entry.driver.name === name)?.driver
  const settings = Object.fromEntries(driver?.settings.map((setting) => [setting.name, setting.default]) ?? [])
  return driver?.missing(settings, DEPLOYMENT === 'docker' ? 'container' : 'process')
}

for (const { driver, replication, faults, load = USUAL } of GRID) {
  const { rowsPerSecond, lengthMs, apartMs, options } = load
  test(
    `${driver} ${replication}: ${faults.join(', ')}: nothing is lost, and all is caught up with`,
    { timeout: 180_000 },
    async (t) => {
      const missing = await missingFor(driver)
      if (missing !== undefined) return t.skip(missing)
      await withRun(
        {
          ...options,
          driver,
          replication,
          deployment: DEPLOYMENT,
          overlap: 0.3,
          seed: 7,
          duration: `${FIRST_MS + faults.length * apartMs}ms`,
          fault: faults.map((fault, i) => `${fault} at=${FIRST_MS + i * apartMs}ms for=${lengthMs}ms`),
        },
        rowsPerSecond,
        async (finished) => {
          const { analysis, value } = finished
          t.diagnostic('seed 7')
          assert.deepEqual(analysis.verdict.broken, [])
          assert.equal(value('lost_writes'), 0)
          assert.equal(value('divergent_rows'), 0)
          assert.deepEqual(
            analysis.faults?.map(({ name }) => name),
            faults,
          )
          for (const fault of faults) judge(finished, fault, load, t)
        },
      )
    },
  )
}

test('a memory node that is killed loses its rows, and the run says so', { timeout: 60_000 }, () =>
  withRun(
    {
      driver: 'memory',
      rows: 2000,
      warmup: '0s',
      duration: '3s',
      'drain-timeout': '1s',
      fault: 'kill eu-west at=1s for=200ms',
    },
    USUAL.rowsPerSecond,
    async ({ analysis, value }) => {
      assert.ok((value('lost_writes') ?? 0) > 0)
      assert.match(analysis.verdict.broken.join(' '), /acknowledged writes? (are|is) lost in at least one DC/)
    },
  ),
)
