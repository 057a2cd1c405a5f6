// Mixed rows on real servers: what a run counts is what reading every row of every DC finds, cell by cell, from the ledger.
// GEOWRITE_MIXED=all runs it, some 25 s a case; the same classes on planted data: bench/analyse/mixed-rows.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsOf, writesOf } from '../../bench/planted-truth.fixture.ts'
import { withRun, type FinishedRun } from '../../bench/run.fixture.ts'
import { cassandra } from './driver.ts'
import { everyRow, RowJudge, type Making } from './every-row.fixture.ts'

const ALL = process.env['GEOWRITE_MIXED'] === 'all'
const SEED = 20261125
const RATE = 600
const ROWS = 300

interface Provoked {
  readonly what: string
  readonly set: readonly string[]
  readonly options?: Readonly<Record<string, unknown>>
  /** Rows must be mixed; else none may be; null: whatever comes. */
  readonly mixes: boolean | null
}

const TIES = 'cassandra.timestamp_step=100000'
const PROVOKED: readonly Provoked[] = [
  { what: 'timestamps that tie', set: [TIES], options: { deletes: 0.1 }, mixes: true },
  { what: 'timestamps that tie, in rows kept as one value', set: [TIES, 'cassandra.cells=row'], mixes: false },
  { what: 'timestamps of hybrid clocks', set: [], mixes: false },
  {
    what: 'timestamps that tie, by partition in three DCs',
    set: [TIES, 'cassandra.partition_rows=50'],
    options: { dcs: 'us-east,eu-west,ap-south', mode: 'partition-batch' },
    mixes: true,
  },
  {
    what: 'timestamps in milliseconds',
    set: ['cassandra.timestamp_step=1000'],
    options: { rows: 20, delay: '5ms' },
    mixes: null,
  },
  { what: 'timestamps of the servers', set: ['cassandra.timestamps=server'], mixes: null },
]

/** What every row of every DC is made of, by DC; each key once. */
async function madeOf({ run, folder }: FinishedRun): Promise<Map<string, Map<number, Making>>> {
  const { endpoints, plan } = run.stores
  const judge = new RowJudge(plan.table.columns, factsOf(folder).scenario.seed, writesOf(folder))
  const found = new Map<string, Map<number, Making>>()
  for (const dc of plan.dcs) {
    const { name } = dc
    const rows = await everyRow(endpoints, dc, plan.table.name)
    found.set(name, new Map(rows.map((row) => [row.key, judge.making(row)])))
    assert.equal(found.get(name)?.size, plan.table.rows, `${name} has other rows than were loaded`)
  }
  return found
}

for (const { what, set, options, mixes } of PROVOKED) {
  test(
    `${what}: the mixed rows of a run are those that reading every row finds`,
    { timeout: 150_000, skip: ALL ? false : 'GEOWRITE_MIXED=all' },
    async (t) => {
      const settings = ['cassandra.jit=c1', 'cassandra.heap=256M', ...set]
      const missing = await cassandra.missing({})
      if (missing !== undefined) return t.skip(missing)
      const load = { driver: 'cassandra', rows: ROWS, overlap: 1, skew: 0.6, warmup: '0s', duration: '3s', seed: SEED }
      await withRun({ ...load, set: settings, ...options }, RATE, async (finished) => {
        const { value, analysis } = finished
        const made = await madeOf(finished)
        const mixedIn = (dc: string) => [...(made.get(dc) ?? [])].filter(([, making]) => making !== 'one write')
        const keys = new Set(analysis.dcs.flatMap((dc) => mixedIn(dc).map(([key]) => key)))
        const identity = new Set(
          analysis.dcs.flatMap((dc) => mixedIn(dc).flatMap(([key, making]) => (making === 'identity' ? [key] : []))),
        )
        t.diagnostic(
          `seed ${SEED}: ${keys.size} rows mixed, ${identity.size} of them in dot and version alone; the run says ${value('mixed_rows')}, lost ${value('lost_writes')}, divergent ${value('divergent_rows')}, acknowledged ${value('acknowledged')} rows/s`,
        )
        assert.equal(value('mixed_rows'), keys.size)
        for (const dc of analysis.dcs) assert.equal(value('mixed_rows', { peer: dc }), mixedIn(dc).length, dc)
        if (mixes === true) assert.ok(keys.size > 0, 'nothing was mixed')
        if (mixes === false) assert.equal(keys.size, 0)
        assert.equal(value('divergent_rows'), 0)
        assert.equal(value('lost_writes'), 0)
      })
    },
  )
}
