// results/README.md is the schema that people build on: every column and metric that is written stands in it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EVENT_COLUMNS, LINK_COLUMNS, RESOURCE_COLUMNS, RTT_COLUMNS } from '../contract/run-folder.ts'
import { CAUSES, COUNTS, FINAL, PROBES, WRITES } from '../lib/ledger-format.ts'
import { CONFLICT_COLUMNS } from './conflict-pairs.ts'
import { DIVERGENCE_COLUMNS } from './convergence.ts'
import { INTERVAL_COLUMNS } from './intervals.ts'
import { LAG_COLUMNS } from './lag.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'
import { SUMMARY_COLUMNS } from './summary.ts'
import { METRIC_COLUMNS } from './write-csv.ts'

const SCHEMA = readFileSync(join(import.meta.dirname, '../../results/README.md'), 'utf8')
const NAMED = new Set(SCHEMA.match(/\w+/g))

const FILES: Readonly<Record<string, readonly string[]>> = {
  'metrics.csv': METRIC_COLUMNS,
  'summary.csv': SUMMARY_COLUMNS,
  'intervals.csv': INTERVAL_COLUMNS,
  'lag.csv': LAG_COLUMNS,
  'conflicts.csv': CONFLICT_COLUMNS,
  'divergence.csv': DIVERGENCE_COLUMNS,
  'events.csv': EVENT_COLUMNS,
  'resources.csv': RESOURCE_COLUMNS,
  'links.csv': LINK_COLUMNS,
  'rtt.csv': RTT_COLUMNS,
  'writes-<dc>-<worker>.bin': Object.keys(WRITES.columns),
  'probes-<dc>.bin': Object.keys(PROBES.columns),
  'final-<dc>.bin': Object.keys(FINAL.columns),
  'causes-<dc>-<worker>.bin': Object.keys(CAUSES.columns),
  'counts-<dc>.bin': Object.keys(COUNTS.columns),
}

test('every file and column stands in results/README.md', () => {
  for (const [file, columns] of Object.entries(FILES)) {
    assert.ok(SCHEMA.includes(file), file)
    assert.deepEqual(
      columns.filter((column) => !NAMED.has(column)),
      [],
      file,
    )
  }
})

test('every metric that a run gives stands in results/README.md with its unit', async () => {
  using folder = scratchFolder()
  plant(folder.path, {
    writes: [{ dc: 0, key: 1, sentMs: 1000, ackedMs: 1002 }],
    probes: [],
    csv: { 'rtt.csv': `${RTT_COLUMNS.join(',')}\n1,us-east,eu-west,during,0.5\n` },
  })
  const { metrics } = await analyseRun(folder.path)
  const rows = SCHEMA.split('\n').filter((line) => line.startsWith('| `'))
  const missing = metrics.filter(({ metric, unit }) => {
    const stem = metric.replace(/_(p50|p90|p99|p999|max)$/, '')
    const known = (row: string) =>
      row.includes(`\`${metric}\``) || row.includes(`\`${stem}_p50\``) || row.includes(`\`${stem}_…\``)
    return !rows.some((row) => known(row) && row.endsWith(`| ${unit} |`))
  })
  assert.deepEqual([...new Set(missing.map(({ metric }) => metric))], [])
})
