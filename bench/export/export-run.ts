// The ledger of one run as tables that DuckDB, Python and spreadsheets read: names instead of numbers, one file a table.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { BenchError, messageOf } from '../contract/errors.ts'
import {
  causesFile,
  countsFile,
  finalFile,
  probesFile,
  RUN_FILES,
  writesFile,
  type RunFacts,
} from '../contract/run-folder.ts'
import { OPERATION_NAMES } from '../contract/table.ts'
import { readBlocks } from '../lib/column-file.ts'
import { dotDc, dotIncarnation, dotSequence, PHASE } from '../lib/dot.ts'
import {
  CAUSES,
  COUNTS,
  FINAL,
  FINAL_STATE,
  NEVER,
  PROBES,
  PROBE_STATE_NAMES,
  WRITE_FLAG,
  WRITES,
} from '../lib/ledger-format.ts'
import { CsvSink } from './csv-sink.ts'
import { ParquetSink } from './parquet-sink.ts'
import { TableWriter, type Sink } from './table-writer.ts'
import {
  CAUSES_TABLE,
  EXPORT_FORMS,
  EXPORT_TABLES,
  FINAL_TABLE,
  PROBES_TABLE,
  WRITES_TABLE,
  type ExportForm,
  type ExportTable,
} from './tables.ts'

const OUTCOME_NAMES = ['pending', 'ok', 'fail', 'unknown']
const STATE_NAMES: readonly string[] = Object.entries(FINAL_STATE).reduce<string[]>((names, [name, state]) => {
  names[state] = name
  return names
}, [])
const PHASE_NAMES: readonly string[] = Object.keys(PHASE)
const WORKERS_MAX = 64

interface Source {
  readonly ledger: string
  readonly dcs: readonly string[]
}

/** The files of one DC's workers that are there, in order. */
function partsOf({ ledger }: Source, nameOf: (worker: number) => string): { worker: number; path: string }[] {
  return Array.from({ length: WORKERS_MAX }, (_, worker) => ({ worker, path: join(ledger, nameOf(worker)) })).filter(
    ({ path }) => existsSync(path),
  )
}

const orNull = (value: number): number | null => (value === 0 || Number.isNaN(value) ? null : value)

/** Each yields now and then, so that the process stays answerable. */
type Fill = (source: Source, into: TableWriter) => Iterable<undefined>

function* addWrites(source: Source, into: TableWriter): Generator<undefined> {
  for (const dc of source.dcs) {
    for (const { worker, path } of partsOf(source, (each) => writesFile(dc, each))) {
      for (const block of readBlocks(WRITES, path)) {
        yield undefined
        for (let i = 0; i < block.rows; i++) {
          const dot = block.dot[i]
          if (dot === 0) continue
          const flags = block.flags[i]
          const isDeclined = (flags & WRITE_FLAG.declined) !== 0
          const sentUs = block.intendedUs[i] + block.sentAfterUs[i]
          const after = block.ackedAfterUs[i]
          into.add(
            dc,
            worker,
            PHASE_NAMES[block.phase[i]],
            block.key[i],
            dot,
            dotIncarnation(dot),
            dotSequence(dot),
            orNull(block.version[i]),
            OPERATION_NAMES[block.operation[i]],
            OUTCOME_NAMES[block.outcome[i]],
            block.intendedUs[i],
            isDeclined ? null : sentUs,
            isDeclined || after === NEVER ? null : sentUs + after,
            block.logicalBytes[i],
            (flags & WRITE_FLAG.coalesced) !== 0,
            (flags & WRITE_FLAG.probed) !== 0,
            isDeclined,
          )
        }
      }
    }
  }
}

function* addProbes({ ledger, dcs }: Source, into: TableWriter): Generator<undefined> {
  for (const dc of dcs) {
    const path = join(ledger, probesFile(dc))
    if (!existsSync(path)) continue
    for (const block of readBlocks(PROBES, path)) {
      yield undefined
      for (let i = 0; i < block.rows; i++) {
        const dot = block.dot[i]
        if (dot === 0) continue
        const [miss, hit] = [block.missSentUs[i], block.hitReturnedUs[i]]
        const state = PROBE_STATE_NAMES[block.state[i]]
        const times = [Number.isNaN(miss) ? null : miss, Number.isNaN(hit) ? null : hit]
        into.add(dcs[dotDc(dot)], dc, block.key[i], dot, block.sentUs[i], ...times, state)
      }
    }
  }
}

/** Key by key along with the file of counter sums, which has the keys that have content, in the same order. */
function* countsIn(path: string): Generator<{ readonly key: number; readonly value: number }> {
  if (!existsSync(path)) return
  for (const block of readBlocks(COUNTS, path)) {
    for (let i = 0; i < block.rows; i++) yield { key: block.key[i], value: block.value[i] }
  }
}

function* addFinal({ ledger, dcs }: Source, into: TableWriter): Generator<undefined> {
  for (const dc of dcs) {
    const path = join(ledger, finalFile(dc))
    if (!existsSync(path)) continue
    const counts = countsIn(join(ledger, countsFile(dc)))
    let count = counts.next()
    for (const block of readBlocks(FINAL, path)) {
      yield undefined
      for (let i = 0; i < block.rows; i++) {
        if (block.state[i] === 0) continue
        const key = block.key[i]
        while (count.done !== true && count.value.key < key) count = counts.next()
        const isCounted = count.done !== true && count.value.key === key
        const dot = orNull(block.dot[i])
        into.add(
          dc,
          key,
          dot,
          dot === null ? null : dcs[dotDc(dot)],
          orNull(block.version[i]),
          STATE_NAMES[block.state[i]],
          isCounted && count.done !== true ? count.value.value : null,
        )
        if (isCounted) count = counts.next()
      }
    }
  }
}

function* addCauses(source: Source, into: TableWriter): Generator<undefined> {
  for (const dc of source.dcs) {
    for (const { path } of partsOf(source, (worker) => causesFile(dc, worker))) {
      for (const block of readBlocks(CAUSES, path)) {
        yield undefined
        for (let i = 0; i < block.rows; i++) {
          if (block.dot[i] === 0) continue
          const peer = source.dcs[block.peer[i]]
          into.add(dc, block.key[i], block.dot[i], peer, orNull(block.overwrote[i]), orNull(block.seen[i]))
        }
      }
    }
  }
}

/** A table without a file in the ledger is not written: an empty one would have no types in CSV. */
const isThere = (ledger: string, { name }: ExportTable): boolean =>
  readdirSync(ledger).some((file) => file.startsWith(`${name}-`))

const FILLS: readonly (readonly [ExportTable, Fill])[] = [
  [WRITES_TABLE, addWrites],
  [PROBES_TABLE, addProbes],
  [FINAL_TABLE, addFinal],
  [CAUSES_TABLE, addCauses],
]

/** Refuses a folder that holds what is not of an export. */
function refuseForeign(folder: string): void {
  if (!existsSync(folder)) return
  const ours = new Set(EXPORT_TABLES.flatMap(({ name }) => EXPORT_FORMS.map((form) => `${name}.${form}`)))
  const foreign = readdirSync(folder).find((name) => !ours.has(name))
  if (foreign === undefined) return
  throw new BenchError(
    'RESULTS_FOLDER',
    `${folder} holds ${foreign}, which no export has written: move it elsewhere, since an export replaces the folder.`,
  )
}

/**
 * Writes `export/` in a run's folder, all tables in one form, in bounded memory; what an earlier export left is replaced once
 * all is written. Throws RUN_FOLDER where the ledger is gone, RESULTS_FOLDER where the folder cannot be written.
 */
export async function exportRun(runFolder: string, form: ExportForm, signal?: AbortSignal): Promise<void> {
  const ledger = join(runFolder, RUN_FILES.ledger)
  const name = basename(runFolder)
  const facts = JSON.parse(readFileSync(join(runFolder, RUN_FILES.run), 'utf8')) as RunFacts
  if (facts.ledgerDropped || !existsSync(ledger)) {
    throw new BenchError(
      'RUN_FOLDER',
      `${name} has no ledger any more, so that it cannot be exported: run again with a larger --ledger-limit, or with --export-ledger.`,
    )
  }
  const folder = join(runFolder, RUN_FILES.export)
  const made = `${folder}-new`
  const source = { ledger, dcs: facts.scenario.topology.dcs.map((dc) => dc.name) }
  const about = { run: name, epoch_wall_ms: String(facts.epoch.wallMs), times: 'µs since the run’s epoch' }
  const sinkOf = (table: ExportTable): Sink => {
    const path = join(made, `${table.name}.${form}`)
    return form === 'csv' ? new CsvSink(path, table) : new ParquetSink(path, table, about)
  }
  try {
    refuseForeign(folder)
    rmSync(made, { recursive: true, force: true })
    mkdirSync(made)
    for (const [table, fill] of FILLS.filter(([each]) => isThere(ledger, each))) {
      const sink = sinkOf(table)
      try {
        const writer = new TableWriter(table, sink)
        for (const _ of fill(source, writer)) {
          signal?.throwIfAborted()
          await setImmediate()
        }
        writer.finish()
      } finally {
        sink.close()
      }
    }
    rmSync(folder, { recursive: true, force: true })
    renameSync(made, folder)
  } catch (error) {
    rmSync(made, { recursive: true, force: true })
    if (error instanceof BenchError || (error as NodeJS.ErrnoException).code === undefined) throw error
    throw new BenchError(
      'RESULTS_FOLDER',
      `The ledger of ${name} cannot be exported into ${folder} (${messageOf(error)}): make room there, and export again with \`report <folder> --export-ledger=${form}\`; the run itself is kept.`,
      { cause: error },
    )
  }
}
