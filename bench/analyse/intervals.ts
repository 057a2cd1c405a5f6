// intervals.csv and latency.hlog: every second × DC × phase × operation that has rows.
import { HistogramLogWriter } from 'hdr-histogram-js'
import { RUN_FILES } from '../contract/run-folder.ts'
import { OPERATION_NAMES } from '../contract/table.ts'
import { PHASE } from '../lib/dot.ts'
import { wholeCells } from './interval-cells.ts'
import type { RunData } from './load.ts'
import { formatMilliseconds } from './numbers.ts'
import type { Traffic } from './traffic.ts'
import { createTextFile } from './write-csv.ts'

const PHASE_NAMES = Object.keys(PHASE)

export const INTERVAL_COLUMNS = [
  'at_s',
  'dc',
  'phase',
  'operation',
  'offered',
  'acked',
  'failed',
  'unknown',
  'coalesced',
  'response_p50_ms',
  'response_p90_ms',
  'response_p99_ms',
  'response_p999_ms',
  'response_max_ms',
  'service_p50_ms',
  'service_p99_ms',
  'wait_p50_ms',
  'wait_p99_ms',
  'declined',
] as const

/**
 * Writes both files. Rows are counted in the second of their intended start, `acked` in the second of the
 * acknowledgement; percentiles are those of the rows that were to start in the second. `wait` is intended → sent.
 */
export function writeIntervals(run: RunData, traffic: Traffic): void {
  using csv = createTextFile(run.folder, RUN_FILES.intervals)
  using log = createTextFile(run.folder, RUN_FILES.histograms)
  csv.write(`${INTERVAL_COLUMNS.join(',')}\n`)
  const { wallMs } = run.stored.epoch
  const writer = new HistogramLogWriter((text) => log.write(text))
  writer.outputLogFormatVersion()
  log.write(`#[StartTime: ${(wallMs / 1000).toFixed(3)} (seconds since epoch), ${new Date(wallMs).toISOString()}]\n`)
  writer.outputLegend()
  for (const cell of wholeCells(traffic.cells, run.dcs.length)) {
    const operation = OPERATION_NAMES[cell.operation] ?? 'unknown'
    const phase = PHASE_NAMES[cell.phase] ?? 'unknown'
    const dc = run.dcs[cell.dc]
    const columns = [
      cell.second,
      dc,
      phase,
      operation,
      cell.offered,
      cell.acked,
      cell.failed,
      cell.unknown,
      cell.coalesced,
      ...cell.response.percentilesUs([50, 90, 99, 99.9, 100]).map(formatMilliseconds),
      ...cell.service.percentilesUs([50, 99]).map(formatMilliseconds),
      ...cell.wait.percentilesUs([50, 99]).map(formatMilliseconds),
      cell.declined,
    ]
    csv.write(`${columns.join(',')}\n`)
    const response = cell.response.histogram()
    if (response.totalCount > 0) {
      response.tag = `${dc}.${operation}`
      writer.outputIntervalHistogram(response, cell.second, cell.second + 1, 1000)
    }
  }
  csv.finish()
  log.finish()
}
