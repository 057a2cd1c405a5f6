// The ledger of a real run, exported and read back by readers that know nothing of ours: it adds up to what the report says.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import type { RunFacts } from '../contract/run-folder.ts'
import { withRun } from '../run.fixture.ts'
import { exportRun } from './export-run.ts'

type Row = Readonly<Record<string, unknown>>

async function parquetRows(folder: string, table: string): Promise<Row[]> {
  const file = await asyncBufferFromFile(join(folder, 'export', `${table}.parquet`))
  return parquetReadObjects({ file, compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) } })
}

const csvRows = (folder: string, table: string): Row[] =>
  parse(readFileSync(join(folder, 'export', `${table}.csv`)), { columns: true })

/** The figures of a run by its exported tables alone. */
function figuresOf(
  writes: readonly Row[],
  final: readonly Row[],
  { startUs, endUs }: { startUs: number; endUs: number },
) {
  const measured = writes.filter(({ phase, outcome }) => phase === 'measure' && outcome === 'ok')
  const increments = writes.filter(({ operation, outcome }) => operation === 'increment' && outcome === 'ok')
  const held = new Map(final.map((row) => [Number(row['key']), Number(row['counter'])]))
  const missing = [...Map.groupBy(increments, ({ key }) => Number(key))].reduce(
    (sum, [key, added]) => sum + 1 + added.length - (held.get(key) ?? 0),
    0,
  )
  const acknowledged = measured.filter(({ answered_us: at }) => Number(at) <= endUs).length
  return { acknowledged: (acknowledged * 1e6) / (endUs - startUs), missing }
}

test(
  'the exported ledger of a run with counters adds up to its acknowledged rows/s and its lost updates',
  { timeout: 60_000 },
  (t) =>
    withRun(
      {
        workload: 'counter',
        driver: 'memory',
        rows: 100,
        overlap: 0.6,
        seed: 5,
        warmup: '300ms',
        duration: '1500ms',
        causality: 'exact',
      },
      1500,
      async ({ folder, value }) => {
        t.diagnostic('seed 5')
        const { phases } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunFacts
        const phase = phases.find(({ name }) => name === 'measure')
        assert.ok(phase)
        await exportRun(folder, 'parquet')
        const inParquet = await Promise.all(
          ['writes', 'final', 'probes', 'causes'].map((table) => parquetRows(folder, table)),
        )
        await exportRun(folder, 'csv')
        const inCsv = ['writes', 'final', 'probes', 'causes'].map((table) => csvRows(folder, table))
        assert.deepEqual(
          inCsv.map((rows) => rows.length),
          inParquet.map((rows) => rows.length),
        )
        for (const [writes, final, probes, causes] of [inParquet, inCsv]) {
          const { acknowledged, missing } = figuresOf(writes, final, phase)
          assert.ok(Math.abs(acknowledged - Number(value('acknowledged'))) < 0.01, `${acknowledged} rows/s`)
          assert.equal(missing, value('lost_updates'))
          assert.ok(missing > 0, 'a run without conflicts would prove nothing')
          assert.ok(probes.length > 0)
          const stored = writes.filter(({ outcome, coalesced }) => outcome === 'ok' && String(coalesced) === 'false')
          assert.equal(causes.length, stored.length, 'one row a stored write and other DC')
        }
      },
    ),
)
