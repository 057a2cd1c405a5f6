// Whole benches: repeats and their common rate, the same operations whatever the mode, and harness memory beside a larger table.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { analyseBench } from './analyse/bench.ts'
import { runBench } from './bench.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { figureOf } from './contract/analysis.ts'
import { RUN_FILES, type RunFacts } from './contract/run-folder.ts'
import { readBlocks } from './lib/column-file.ts'
import { PHASE } from './lib/dot.ts'
import { WRITES } from './lib/ledger-format.ts'
import { withRun } from './run.fixture.ts'
import { silent } from './silent.fixture.ts'

const factsOf = (folder: string) => JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts

test('repeats are interleaved, calibrated once beforehand, all at that rate, and the table is of medians', async () => {
  const out = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
  try {
    const scenario = parseScenario({
      driver: 'memory',
      replication: 'lww',
      rows: 1000,
      rate: 'auto',
      repeat: 3,
      quick: true,
      out,
      duration: '1s',
      warmup: '0s',
      delay: '5ms',
    })
    const { folder, analysis } = await runBench(
      scenario,
      { drivers, workloads },
      'test',
      silent,
      AbortSignal.timeout(100_000),
    )
    const facts = readdirSync(join(folder, 'runs'))
      .map((name) => factsOf(join(folder, 'runs', name)))
      .toSorted((a, b) => a.index - b.index)
    assert.deepEqual(
      facts.map((run) => run.repeat),
      [1, 2, 3],
    )
    assert.deepEqual(
      facts.map((run) => run.calibration?.acknowledgedPerSecond),
      [1, 2, 3].map(() => facts[0].calibration?.acknowledgedPerSecond ?? NaN),
    )
    assert.equal(new Set(facts.map((run) => run.scenario.rowsPerSecond)).size, 1)
    const [system] = analysis.systems
    assert.equal(system.runs.length, 3)
    for (const metric of ['response_p50', 'lag_p50', 'acknowledged']) {
      const values = analysis.runs.map((run) => figureOf(run.metrics, metric).value ?? NaN).toSorted((a, b) => a - b)
      assert.ok(values.every(Number.isFinite), metric)
      const { value, low, high } = figureOf(system.metrics, metric)
      assert.deepEqual([low, value, high], values)
    }
    const summary = parse<Record<string, string>>(readFileSync(join(folder, 'summary.csv')), { columns: true })
    assert.deepEqual(
      summary.map((row) => row['repeat']),
      ['1', '2', '3'],
    )
    // The same seed asks for the same rows in every repeat.
    assert.equal(new Set(summary.map((row) => row['offered_rows_per_s'])).size, 1)
    assert.deepEqual(await analyseBench(folder), analysis)
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
})

/** What was asked for in the measured phase of each DC, in the order of the schedule: key, operation, µs from its start. */
function askedIn(folder: string): Map<string, string[]> {
  const startUs = factsOf(folder).phases.find((phase) => phase.name === 'measure')?.startUs ?? NaN
  const asked = new Map<string, { atUs: number; text: string }[]>()
  for (const name of readdirSync(join(folder, RUN_FILES.ledger))) {
    const [, dc] = /^writes-(.+)-\d+\.bin$/.exec(name) ?? []
    if (dc === undefined) continue
    const rows = asked.get(dc) ?? []
    asked.set(dc, rows)
    for (const block of readBlocks(WRITES, join(folder, RUN_FILES.ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0 || block.phase[i] !== PHASE.measure) continue
        const atUs = Math.round(block.intendedUs[i] - startUs)
        rows.push({ atUs, text: `${block.key[i]} ${block.operation[i]} ${atUs}` })
      }
    }
  }
  const inOrder = (rows: { atUs: number; text: string }[]) =>
    rows.toSorted((a, b) => a.atUs - b.atUs || (a.text < b.text ? -1 : 1)).map((row) => row.text)
  return new Map([...asked].map(([dc, rows]) => [dc, inOrder(rows)]))
}

test('the same seed asks for the same rows at the same times in every mode, with any number of workers and writers', async () => {
  const common = { driver: 'memory', rows: 500, seed: 7, duration: '1s', warmup: '200ms', delay: '5ms' }
  const asked: Map<string, string[]>[] = []
  for (const options of [{ mode: 'batch' }, { mode: 'single', workers: 2, writers: 3 }]) {
    await withRun({ ...common, ...options }, 1500, async ({ folder }) => {
      asked.push(askedIn(folder))
    })
  }
  const [batch, single] = asked
  for (const dc of ['us-east', 'eu-west']) {
    assert.ok((batch.get(dc)?.length ?? 0) > 600)
    assert.deepEqual(single.get(dc), batch.get(dc))
  }
  assert.notDeepEqual(batch.get('us-east'), batch.get('eu-west'))
})

/** The largest resident size of a harness process of its own, in bytes. */
async function harnessBytes(rows: number): Promise<number> {
  const out = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
  try {
    const options = [
      '--driver=memory',
      '--rate=1000',
      '--quick',
      '--duration=1s',
      '--warmup=0s',
      '--delay=5ms',
      '--json',
    ]
    const main = join(import.meta.dirname, 'main.ts')
    // An invalid run (exit 2) on a crowded machine still has its figures.
    await promisify(execFile)(process.execPath, [main, ...options, `--rows=${rows}`, `--out=${out}`], {
      timeout: 100_000,
    }).catch((error: Error & { code?: unknown }) => assert.equal(error.code, 2, error.message))
    const [bench] = readdirSync(out)
    const [run] = readdirSync(join(out, bench, 'runs'))
    const { services } = factsOf(join(out, bench, 'runs', run)).marks.at(-1) ?? { services: [] }
    return services.find((service) => service.role === 'client')?.residentMaxBytes ?? NaN
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

test('the harness does not grow with the table', async (t) => {
  const [small, large] = [await harnessBytes(100_000), await harnessBytes(500_000)]
  t.diagnostic(`${Math.round(small / 1e6)} MB beside 100,000 rows, ${Math.round(large / 1e6)} MB beside 500,000`)
  // The 400,000 rows between are 80 MB in each DC.
  assert.ok(large - small < 50e6, `${small} ${large}`)
})
