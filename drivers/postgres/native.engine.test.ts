// The servers' own replication in whole runs: what it leaves apart is what the run reports, row by row.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import pg from 'pg'
import { figureOf } from '../../bench/contract/analysis.ts'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { RUN_FILES, type RunFacts } from '../../bench/contract/run-folder.ts'
import { readBlocks } from '../../bench/lib/column-file.ts'
import { WRITES } from '../../bench/lib/ledger-format.ts'
import type { Run } from '../../bench/run.ts'
import { withRun } from '../../bench/run.fixture.ts'

const LIMIT = { timeout: 90_000 }
const SEED = 20_261_127
const LOAD = {
  driver: 'postgres',
  rows: 1000,
  overlap: 0.5,
  skew: 0.99,
  duration: '2s',
  warmup: '500ms',
  seed: 20_260_803,
}
const RATE = 3000

/** One statement on a DC's server, through a client of the test's own. */
async function ask(run: Run, dc: string, statement: string): Promise<Record<string, string>[]> {
  const { endpoints, plan } = run.stores
  const { host, port } = endpoints[dc]['sql']
  const client = new pg.Client({ host, port, user: 'geowrite', password: plan.secret, database: 'postgres' })
  await client.connect()
  try {
    return (await client.query<Record<string, string>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Dot by DC of every row that is not the same in all DCs, by key. */
async function differing(run: Run, dcs: readonly string[]): Promise<Map<number, number[]>> {
  const { table } = run.stores.plan
  const tables = await Promise.all(
    dcs.map(async (dc) => {
      const rows = await ask(run, dc, `SELECT * FROM ${table.name}`)
      return new Map(rows.map((row) => [Number(row['key']), row]))
    }),
  )
  assert.deepEqual(
    tables.map(({ size }) => size),
    dcs.map(() => table.rows),
  )
  const apart = new Map<number, number[]>()
  for (const key of tables[0].keys()) {
    const rows = tables.map((rowsOf) => rowsOf.get(key))
    const texts = new Set(rows.map((row) => JSON.stringify(row)))
    if (texts.size > 1)
      apart.set(
        key,
        rows.map((row) => Number(row?.['dot'])),
      )
  }
  return apart
}

for (const dcs of [['us-east', 'eu-west', 'ap-south']]) {
  test(
    `native leaves ${dcs.length} DCs apart after concurrent writes, in exactly the rows that the run reports`,
    LIMIT,
    () =>
      withRun(
        { ...LOAD, replication: 'native', dcs: dcs.join(',') },
        RATE,
        async ({ analysis, folder, run, value }) => {
          const apart = await differing(run, dcs)
          assert.ok(apart.size > 0, `no row differs; seed ${LOAD.seed}`)
          assert.equal(value('divergent_rows'), apart.size)
          const facts = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunFacts
          assert.deepEqual(new Map(facts.divergent.rows.map((row) => [row.key, row.dcs.map(({ dot }) => dot)])), apart)
          const lines = parse<Readonly<Record<'key' | 'dc' | 'dot', string>>>(
            readFileSync(join(folder, 'divergence.csv'), 'utf8'),
            { columns: true },
          )
          const listed = Map.groupBy(lines, ({ key }) => Number(key))
          assert.deepEqual(
            new Map(
              [...listed].map(([key, copies]) => [
                key,
                dcs.map((dc) => Number(copies.find((copy) => copy.dc === dc)?.dot)),
              ]),
            ),
            apart,
          )

          // It promised nothing, and was not waited for once it had come to rest.
          assert.deepEqual({ ...facts.convergence, checks: [] }.restedApart, true)
          assert.deepEqual(
            analysis.verdict.broken.filter((sentence) => !sentence.includes('lost in all DCs')),
            [],
          )
          assert.ok((value('conflict_share') ?? 0) > 0.1)
          const differs = facts.counters?.own['confl_update_origin_differs'] ?? 0
          assert.ok(differs > 0)
          assert.equal(value('conflicts_reported'), differs, 'nothing else was counted')

          // The subscriptions go through the links, and their catalog does not hold the password.
          const { plan, endpoints } = run.stores
          const direct = dcs.map((dc) => String(endpoints[dc]['sql'].port))
          for (const dc of dcs) {
            const subscriptions = await ask(run, dc, 'SELECT subconninfo AS text FROM pg_subscription')
            assert.equal(subscriptions.length, (dcs.length - 1) * Number(plan.settings['streams']))
            for (const { text } of subscriptions) {
              assert.equal(text.includes(plan.secret), false)
              assert.ok(!direct.some((port) => text.includes(`port='${port}'`)), text)
            }
          }
          assert.ok((value('lag_p50') ?? 0) >= 40)
        },
      ),
  )
}

test('cdc leaves nothing apart under the same load', LIMIT, () =>
  withRun({ ...LOAD, replication: 'cdc' }, RATE, async ({ run, value }) => {
    assert.deepEqual([...(await differing(run, ['us-east', 'eu-west']))], [])
    assert.equal(value('divergent_rows'), 0)
    assert.ok((value('conflict_share') ?? 0) > 0.1)
  }),
)

test('under turns no write is in conflict, and the servers report every one of them as a conflict', LIMIT, (t) =>
  withRun(
    {
      driver: 'postgres',
      replication: 'native',
      workload: 'causal',
      rows: 9000,
      duration: '2s',
      warmup: '500ms',
      seed: SEED,
    },
    RATE,
    async ({ analysis, folder, value }) => {
      let writes = 0
      for (const name of readdirSync(join(folder, RUN_FILES.ledger)).filter((file) => file.startsWith('writes-'))) {
        for (const { rows, outcome } of readBlocks(WRITES, join(folder, RUN_FILES.ledger, name))) {
          for (let i = 0; i < rows; i++) if (outcome[i] === OUTCOME.ok) writes++
        }
      }
      t.diagnostic(`${value('conflicts_reported')} reported of ${writes} writes; seed ${SEED}`)
      assert.ok(writes > 2000, `${writes} writes`)
      // Whatever a write follows, the receiver's own load or its own write, is no work of the subscription that brings it.
      assert.equal(value('conflicts_reported'), writes)
      const { value: share, low, high } = figureOf(analysis.metrics, 'conflict_share')
      assert.deepEqual([low, share, high], [0, 0, 0])
      const facts = JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts
      assert.match(facts.counters?.conflictsReported?.meaning ?? '', /not whether the writes were concurrent/)
    },
  ),
)
