// Text files of the analysis, written in large pieces and put in place only when they are whole.
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Metric, RunAnalysis } from '../contract/analysis.ts'
import { formatFigure } from './numbers.ts'

/** Pieces that are written soon after they were made die young: larger ones fill the heap until it is collected as a whole. */
const PIECE_CHARACTERS = 1 << 15

/** A file being written under another name: it takes its own name when finished, and is dropped when disposed of before. */
export interface TextFile extends Disposable {
  write(text: string): void
  finish(): void
}

/** Starts a file in `folder`. */
export function createTextFile(folder: string, name: string): TextFile {
  const path = join(folder, name)
  const file = openSync(`${path}.part`, 'w')
  let pending: string[] = []
  let characters = 0
  const flush = () => {
    writeSync(file, pending.join(''))
    pending = []
    characters = 0
  }
  let open = true
  return {
    write(text) {
      pending.push(text)
      characters += text.length
      if (characters >= PIECE_CHARACTERS) flush()
    },
    finish() {
      flush()
      closeSync(file)
      open = false
      renameSync(`${path}.part`, path)
    },
    [Symbol.dispose]() {
      if (!open) return
      closeSync(file)
      rmSync(`${path}.part`)
    },
  }
}

/** Replaces a small file as a whole, unless it holds these bytes already. */
export function replaceText(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) return
  } catch {
    // There is none yet: it is written below.
  }
  try {
    writeFileSync(`${path}.part`, text)
    renameSync(`${path}.part`, path)
  } finally {
    rmSync(`${path}.part`, { force: true })
  }
}

/** A CSV cell: quoted where it must be. */
export function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const METRIC_COLUMNS = [
  'run',
  'driver',
  'replication',
  'workload',
  'shard_key',
  'dc',
  'peer',
  'phase',
  'metric',
  'unit',
  'value',
  'low',
  'high',
  'n',
] as const

/** metrics.csv: one line a metric, run by run in their order. */
export function metricsCsv(runs: readonly RunAnalysis[]): string {
  const lines = [METRIC_COLUMNS.join(',')]
  for (const run of runs) {
    const own = [run.run, run.driver, run.replication, run.workload, run.shardKey].map(csvCell).join(',')
    for (const metric of run.metrics) lines.push(`${own},${metricCells(metric)}`)
  }
  return `${lines.join('\n')}\n`
}

function metricCells(metric: Metric): string {
  const names = [metric.dc, metric.peer, metric.phase, metric.metric, metric.unit].map(csvCell)
  return [...names, ...[metric.value, metric.low, metric.high, metric.n].map(formatFigure)].join(',')
}
