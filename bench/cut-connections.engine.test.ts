// Connections cut in the middle of writes, on real engines: what was acknowledged is there, what was refused is not, and what nobody
// knows counts as neither. GEOWRITE_PLANTED=all cuts more than 1,000 times.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workloads } from '../workloads/index.ts'
import { cutLsm, cutMemory, cutPostgres } from './cut-connections.fixture.ts'
import { figureOf } from './contract/analysis.ts'
import { OUTCOME } from './contract/outcome.ts'
import { ContentMaker } from './lib/content.ts'
import { writesOf, type LedgerWrite } from './planted-truth.fixture.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const ALL = process.env['GEOWRITE_PLANTED'] === 'all'
const SEED = 20261126
const RATE = 1500
/** Of each driver and mode: over all six more than 1,000. */
const CUTS = ALL ? 170 : 8
const RUNS_MAX = 12
const MODULE = new URL('./cut-connections.fixture.ts', import.meta.url)
/** Outcomes further apart than this come from different cuts. */
const APART_US = 2000

const registry = {
  drivers: [
    { driver: cutMemory, module: MODULE, exportName: 'cutMemory' },
    { driver: cutLsm, module: MODULE, exportName: 'cutLsm' },
    { driver: cutPostgres, module: MODULE, exportName: 'cutPostgres' },
  ],
  workloads,
}

/** Times at which writes under way lost their connection. */
function cutsIn(writes: readonly LedgerWrite[]): number {
  let cuts = 0
  for (const ofDc of Map.groupBy(writes, ({ dcIndex }) => dcIndex).values()) {
    const lost = ofDc.filter(({ outcome }) => outcome === OUTCOME.info).map(({ ackedUs }) => ackedUs)
    lost.sort((a, b) => a - b)
    cuts += lost.filter((at, i) => i === 0 || at - lost[i - 1] > APART_US).length
  }
  return cuts
}

/** What each DC holds of the keys, as its own admin reads it, with nothing of the harness between. */
async function contentsOf(
  { run }: FinishedRun,
  driverName: string,
  keys: Float64Array,
): Promise<Map<number, { dot: number; content: Uint8Array }>[]> {
  const { endpoints, plan } = run.stores
  const entry = registry.drivers.find(({ driver }) => driver.name === driverName)
  assert.ok(entry)
  await using admin = await entry.driver.admin(endpoints, plan, AbortSignal.timeout(30_000))
  return await Promise.all(
    plan.dcs.map(async ({ name }) => {
      const held = new Map<number, { dot: number; content: Uint8Array }>()
      for await (const rows of admin.rows(name, { keys })) {
        for (let i = 0; i < rows.count; i++)
          held.set(rows.keys[i], { dot: rows.dots[i], content: Uint8Array.from(rows.contents[i]) })
      }
      return held
    }),
  )
}

interface Left {
  readonly cuts: number
  readonly ok: number
  readonly fail: number
  readonly info: number
  /** Of the unknown ones. */
  readonly present: number
}

/** Holds a run's ledger, and what is said of it, against what the stores hold. */
async function judge(finished: FinishedRun, driver: string): Promise<Left> {
  const { analysis, folder, value } = finished
  const writes = writesOf(folder)
  const held = await contentsOf(finished, driver, Float64Array.from(writes, ({ key }) => key).toSorted())
  const { table, seed } = finished.run.stores.plan
  const maker = new ContentMaker(table.columns, seed)
  let present = 0
  const counts = { ok: 0, fail: 0, info: 0 }
  for (const { key, dot, outcome } of writes) {
    const rows = held.map((ofDc) => ofDc.get(key))
    const isThere = rows.every((row) => row?.dot === dot && Buffer.compare(row.content, maker.expected(dot)) === 0)
    assert.ok(isThere || rows.every((row) => row === undefined), `row ${key} is half there`)
    if (outcome === OUTCOME.ok) {
      counts.ok++
      assert.ok(isThere, `row ${key} was acknowledged and is not there`)
    } else if (outcome === OUTCOME.fail) {
      counts.fail++
      assert.ok(!isThere, `row ${key} was refused and is there`)
    } else {
      counts.info++
      if (isThere) present++
    }
  }
  assert.equal(value('unknown'), counts.info)
  assert.equal(value('failed'), counts.fail)
  assert.equal(value('lost_writes'), 0)
  assert.equal(value('divergent_rows'), 0)
  assert.deepEqual(analysis.verdict.broken, [])
  const { low, high } = figureOf(analysis.metrics, 'unknown_present')
  assert.ok(
    low !== null && high !== null && low <= present && present <= high,
    `${present} is not in [${low}, ${high}]`,
  )
  // Rows acknowledged after the end of the phase are not in its rate.
  const acknowledged = (value('acknowledged') ?? 0) * analysis.measuredSeconds
  assert.ok(acknowledged <= counts.ok * 1.001, `${acknowledged} of ${counts.ok}`)
  return { cuts: cutsIn(writes), ...counts, present }
}

for (const { driver, mode } of [
  { driver: 'cut-memory', mode: 'batch' },
  { driver: 'cut-lsm', mode: 'batch' },
  { driver: 'cut-postgres', mode: 'batch' },
  ...(ALL ? ['cut-memory', 'cut-lsm', 'cut-postgres'].map((name) => ({ driver: name, mode: 'single' })) : []),
]) {
  // Every row of this workload has a key of its own, so that nothing hides what became of it.
  const workload = { workload: 'messaging', rows: 500, writers: 1, delay: '5ms' }
  const times = { warmup: '0s', duration: ALL ? '4s' : '1s' }
  test(`${driver}, ${mode}: what connections that are cut leave behind`, { timeout: 300_000 }, async (t) => {
    let total: Left = { cuts: 0, ok: 0, fail: 0, info: 0, present: 0 }
    for (let seed = SEED; total.cuts < CUTS && seed < SEED + RUNS_MAX; seed++) {
      t.diagnostic(`seed ${seed}`)
      const body = async (finished: FinishedRun) => {
        const left = await judge(finished, driver)
        const sum = (name: keyof Left) => total[name] + left[name]
        total = { cuts: sum('cuts'), ok: sum('ok'), fail: sum('fail'), info: sum('info'), present: sum('present') }
      }
      await withRun({ driver, mode, ...workload, ...times, seed }, RATE, body, undefined, registry)
    }
    const { cuts, ok, fail, info, present } = total
    t.diagnostic(`${cuts} cuts: ${ok} rows acknowledged, ${fail} refused, ${info} unknown, ${present} of these there`)
    assert.ok(cuts >= CUTS, `${cuts} cuts`)
    assert.ok(present > 0 && present < info, 'of unknown writes some happened and some did not')
  })
}
