// Ledgers written by hand and exported: every cell is what was put in, and what cannot be exported is told in one sentence.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects, parquetMetadataAsync } from 'hyparquet'
import { BenchError } from '../contract/errors.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION } from '../contract/table.ts'
import { incarnationOf, packDot, PHASE } from '../lib/dot.ts'
import {
  CAUSES,
  COUNTS,
  FINAL,
  FINAL_STATE,
  NEVER,
  PROBES,
  PROBE_STATE,
  WRITE_FLAG,
  WRITES,
} from '../lib/ledger-format.ts'
import { ColumnWriter } from '../measure/column-writer.ts'
import { exportRun } from './export-run.ts'
import { GROUP_ROWS } from './table-writer.ts'
import { EXPORT_FORMS, EXPORT_TABLES, type ExportForm } from './tables.ts'

type Row = Readonly<Record<string, unknown>>

const DOT_A = packDot(0, incarnationOf(PHASE.measure, 2), 77)
const DOT_B = packDot(1, incarnationOf(PHASE.warmup, 0), 2 ** 36 - 1)
const KEY = 2 ** 53 - 1

async function withRunFolder(body: (folder: string) => Promise<void>, ledgerDropped = false): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'geowrite-export-'))
  const folder = join(parent, '1-memory-lww')
  mkdirSync(join(folder, 'ledger'), { recursive: true })
  const topology = { dcs: [{ name: 'us-east' }, { name: 'eu-west' }] }
  const facts = { ledgerDropped, epoch: { wallMs: 1_700_000_000_000 }, scenario: { topology } }
  writeFileSync(join(folder, 'run.json'), JSON.stringify(facts))
  try {
    await body(folder)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

function put(
  layout: ConstructorParameters<typeof ColumnWriter>[0],
  path: string,
  rows: readonly Readonly<Record<string, number>>[],
): void {
  const writer = new ColumnWriter(layout, path)
  for (const row of rows) {
    const at = writer.next()
    for (const [name, value] of Object.entries(row))
      (writer.block as unknown as Record<string, number[]>)[name][at] = value
  }
  writer.close()
}

function putLedger(folder: string): void {
  const at = (name: string) => join(folder, 'ledger', name)
  put(WRITES, at('writes-us-east-0.bin'), [
    {
      key: KEY,
      dot: DOT_A,
      version: 1_795_558_734_233_041,
      intendedUs: 10.25,
      sentAfterUs: 5,
      ackedAfterUs: 7,
      logicalBytes: 99,
      outcome: OUTCOME.ok,
      operation: OPERATION.upsert,
      flags: WRITE_FLAG.probed,
      phase: PHASE.measure,
    },
    {
      key: 0,
      dot: DOT_A + 1,
      version: 16,
      intendedUs: 11,
      sentAfterUs: 0,
      ackedAfterUs: NEVER,
      outcome: OUTCOME.pending,
      operation: OPERATION.delete,
      phase: PHASE.warmup,
    },
  ])
  put(WRITES, at('writes-eu-west-10.bin'), [
    {
      key: 4,
      dot: DOT_B,
      intendedUs: 1,
      ackedAfterUs: NEVER,
      outcome: OUTCOME.fail,
      operation: OPERATION.insert,
      flags: WRITE_FLAG.declined,
      phase: PHASE.calibrate,
    },
  ])
  put(PROBES, at('probes-eu-west.bin'), [
    { key: KEY, dot: DOT_A, sentUs: 15.25, missSentUs: Number.NaN, hitReturnedUs: 40.5, state: PROBE_STATE.hit },
    { key: KEY, dot: DOT_A + 1, sentUs: 16, missSentUs: 17, hitReturnedUs: Number.NaN, state: PROBE_STATE.open },
  ])
  put(FINAL, at('final-us-east.bin'), [
    { key: 0, state: FINAL_STATE.absent },
    { key: 4, dot: DOT_B, version: 33, state: FINAL_STATE.whole },
    { key: KEY, dot: DOT_A, version: 32, state: FINAL_STATE.deleted },
  ])
  put(COUNTS, at('counts-us-east.bin'), [{ key: 4, value: 12 }])
  put(CAUSES, at('causes-us-east-0.bin'), [{ key: KEY, dot: DOT_A, overwrote: DOT_B, seen: 0, peer: 1 }])
}

const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

async function readTable(folder: string, table: string, form: ExportForm): Promise<Row[]> {
  const path = join(folder, 'export', `${table}.${form}`)
  if (form === 'parquet') {
    const rows = await parquetReadObjects({
      file: await asyncBufferFromFile(path),
      compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
    })
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
  }
  const types = new Map(EXPORT_TABLES.find(({ name }) => name === table)?.columns.map(({ name, type }) => [name, type]))
  return parse(readFileSync(path), {
    columns: true,
    cast: (text, { column, header }) => {
      if (header) return text
      const type = types.get(String(column))
      return text === '' ? null : type === 'text' ? text : type === 'boolean' ? text === 'true' : Number(text)
    },
  })
}

for (const form of EXPORT_FORMS) {
  test(`an export as ${form} has every cell of the ledger, by names`, () =>
    withRunFolder(async (folder) => {
      putLedger(folder)
      await exportRun(folder, form)
      assert.deepEqual(await readTable(folder, 'writes', form), [
        {
          dc: 'us-east',
          worker: 0,
          phase: 'measure',
          key: KEY,
          dot: DOT_A,
          incarnation: incarnationOf(PHASE.measure, 2),
          sequence: 77,
          version: 1_795_558_734_233_041,
          operation: 'upsert',
          outcome: 'ok',
          intended_us: 10.25,
          sent_us: 15.25,
          answered_us: 22.25,
          logical_bytes: 99,
          coalesced: false,
          probed: true,
          declined: false,
        },
        {
          dc: 'us-east',
          worker: 0,
          phase: 'warmup',
          key: 0,
          dot: DOT_A + 1,
          incarnation: incarnationOf(PHASE.measure, 2),
          sequence: 78,
          version: 16,
          operation: 'delete',
          outcome: 'pending',
          intended_us: 11,
          sent_us: 11,
          answered_us: null,
          logical_bytes: 0,
          coalesced: false,
          probed: false,
          declined: false,
        },
        {
          dc: 'eu-west',
          worker: 10,
          phase: 'calibrate',
          key: 4,
          dot: DOT_B,
          incarnation: incarnationOf(PHASE.warmup, 0),
          sequence: 2 ** 36 - 1,
          version: null,
          operation: 'insert',
          outcome: 'fail',
          intended_us: 1,
          sent_us: null,
          answered_us: null,
          logical_bytes: 0,
          coalesced: false,
          probed: false,
          declined: true,
        },
      ])
      assert.deepEqual(await readTable(folder, 'probes', form), [
        {
          from_dc: 'us-east',
          to_dc: 'eu-west',
          key: KEY,
          dot: DOT_A,
          sent_us: 15.25,
          miss_sent_us: null,
          hit_returned_us: 40.5,
          state: 'hit',
        },
        {
          from_dc: 'us-east',
          to_dc: 'eu-west',
          key: KEY,
          dot: DOT_A + 1,
          sent_us: 16,
          miss_sent_us: 17,
          hit_returned_us: null,
          state: 'open',
        },
      ])
      assert.deepEqual(await readTable(folder, 'final', form), [
        { dc: 'us-east', key: 0, dot: null, dot_dc: null, version: null, state: 'absent', counter: null },
        { dc: 'us-east', key: 4, dot: DOT_B, dot_dc: 'eu-west', version: 33, state: 'whole', counter: 12 },
        { dc: 'us-east', key: KEY, dot: DOT_A, dot_dc: 'us-east', version: 32, state: 'deleted', counter: null },
      ])
      assert.deepEqual(await readTable(folder, 'causes', form), [
        { dc: 'us-east', key: KEY, dot: DOT_A, peer: 'eu-west', overwrote: DOT_B, seen: null },
      ])
    }))

  test(`more rows than a group holds come back from ${form}, in order`, () =>
    withRunFolder(async (folder) => {
      const count = 2 * GROUP_ROWS + 5
      const rows = Array.from({ length: count }, (_, i) => ({
        key: i,
        dot: DOT_A + i,
        version: 16 * i + 1,
        state: FINAL_STATE.whole,
      }))
      put(FINAL, join(folder, 'ledger', 'final-us-east.bin'), rows)
      await exportRun(folder, form)
      const read = await readTable(folder, 'final', form)
      assert.equal(read.length, count)
      assert.ok(read.every((row, i) => row['key'] === i && row['dot'] === DOT_A + i && row['version'] === 16 * i + 1))
    }))
}

test('a table that the ledger has not is not written, and a new export replaces an older one', () =>
  withRunFolder(async (folder) => {
    put(FINAL, join(folder, 'ledger', 'final-us-east.bin'), [{ key: 1, state: FINAL_STATE.absent }])
    await exportRun(folder, 'parquet')
    assert.deepEqual(readdirSync(join(folder, 'export')), ['final.parquet'])
    await exportRun(folder, 'csv')
    assert.deepEqual(readdirSync(join(folder, 'export')), ['final.csv'])
    assert.ok(!existsSync(join(folder, 'export-new')))
  }))

test('a Parquet file says of what run it is and when the run’s epoch was', () =>
  withRunFolder(async (folder) => {
    putLedger(folder)
    await exportRun(folder, 'parquet')
    const { key_value_metadata: about } = await parquetMetadataAsync(
      await asyncBufferFromFile(join(folder, 'export', 'writes.parquet')),
    )
    const of = (name: string) => about?.find(({ key }) => key === name)?.value
    assert.equal(of('run'), '1-memory-lww')
    assert.equal(of('epoch_wall_ms'), '1700000000000')
  }))

const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BenchError)
  assert.equal(error.code, code)
  assert.match(error.message, words)
  return true
}

test('a ledger that was dropped is not exported, and the sentence says what to do', () =>
  withRunFolder(
    (folder) =>
      assert.rejects(
        exportRun(folder, 'csv'),
        refusal('RUN_FOLDER', /1-memory-lww has no ledger any more.*--ledger-limit/),
      ),
    true,
  ))

test('a folder with files that no export wrote is left alone', () =>
  withRunFolder(async (folder) => {
    putLedger(folder)
    mkdirSync(join(folder, 'export'))
    writeFileSync(join(folder, 'export', 'notes.txt'), 'mine')
    await assert.rejects(
      exportRun(folder, 'csv'),
      refusal('RESULTS_FOLDER', /holds notes\.txt, which no export has written/),
    )
    assert.equal(readFileSync(join(folder, 'export', 'notes.txt'), 'utf8'), 'mine')
  }))

test('a folder that cannot be written is told in one sentence, and nothing half-written is left', () =>
  withRunFolder(async (folder) => {
    putLedger(folder)
    mkdirSync(join(folder, 'export'))
    rmSync(join(folder, 'export'), { recursive: true })
    writeFileSync(join(folder, 'export'), 'a file where the folder is to be')
    await assert.rejects(
      exportRun(folder, 'csv'),
      refusal('RESULTS_FOLDER', /cannot be exported into .*make room there/),
    )
    assert.ok(!existsSync(join(folder, 'export-new')))
  }))

test('an interrupted export leaves nothing half-written', () =>
  withRunFolder(async (folder) => {
    putLedger(folder)
    await assert.rejects(exportRun(folder, 'csv', AbortSignal.abort(new Error('enough'))), /enough/)
    assert.deepEqual(readdirSync(folder).toSorted(), ['ledger', 'run.json'])
  }))

test('docs/ledger.md names every table and column', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/ledger.md'), 'utf8')
  for (const { name, columns } of EXPORT_TABLES) {
    const section = page.split('\n## ').find((part) => part.startsWith(`\`${name}\``)) ?? ''
    const named = [...section.matchAll(/^\| `(\w+)` /gm)].map(([, column]) => column)
    assert.deepEqual(
      named,
      columns.map((column) => column.name),
      name,
    )
  }
})
