// intervals.csv and latency.hlog: every second × DC × operation. Long runs are read in several passes, so that the number
// of histograms alive at once is bounded.
import { HistogramLogWriter, type Histogram } from 'hdr-histogram-js'
import { OUTCOME } from '../contract/outcome.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import { OPERATION_NAMES } from '../contract/table.ts'
import { PHASE } from '../lib/dot.ts'
import { NEVER, WRITE_FLAG } from '../lib/ledger-format.ts'
import { DurationCounts } from './duration-counts.ts'
import { percentileUs } from './histograms.ts'
import { sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'
import { formatMilliseconds } from './numbers.ts'
import type { Traffic } from './traffic.ts'
import { createTextFile, type TextFile } from './write-csv.ts'

const HISTOGRAMS_AT_ONCE = 4000
const OPERATIONS = Object.keys(OPERATION_NAMES).map(Number)
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

interface Cell {
  offered: number
  acked: number
  failed: number
  unknown: number
  coalesced: number
  declined: number
  readonly response: DurationCounts
  readonly service: DurationCounts
  readonly wait: DurationCounts
}

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
  const secondsAtOnce = Math.max(1, Math.floor(HISTOGRAMS_AT_ONCE / (run.dcs.length * OPERATIONS.length * 3)))
  const first = Math.floor(Math.min(traffic.firstSentUs, run.measure.startUs) / 1e6) - 1
  // An acknowledgement comes after its send, so the last second of all lies one timeout behind the last send.
  const last =
    traffic.ledgerRows === 0
      ? first - 1
      : Math.floor((traffic.lastSentUs + run.stored.scenario.timeoutMs * 1000) / 1e6) + 1
  for (let second = first; second <= last; second += secondsAtOnce) {
    const cells = collect(run, second, Math.min(last + 1, second + secondsAtOnce))
    writeCells(run, second, cells, csv, writer)
  }
  csv.finish()
  log.finish()
}

/** Cells of the seconds [from, to), by second, DC, phase and operation; only those that have rows exist. */
function collect(run: RunData, from: number, to: number): Map<number, Cell> {
  const cells = new Map<number, Cell>()
  const cellOf = (second: number, dc: number, phase: number, operation: number): Cell => {
    const index = (((second - from) * run.dcs.length + dc) * 8 + phase) * 16 + operation
    let cell = cells.get(index)
    if (cell === undefined) {
      cell = {
        offered: 0,
        acked: 0,
        failed: 0,
        unknown: 0,
        coalesced: 0,
        declined: 0,
        response: new DurationCounts(),
        service: new DurationCounts(),
        wait: new DurationCounts(),
      }
      cells.set(index, cell)
    }
    return cell
  }
  for (const { dcIndex, block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0) continue
      const after = block.ackedAfterUs[row]
      const acked = block.outcome[row] === OUTCOME.ok && after !== NEVER
      const second = Math.floor(block.intendedUs[row] / 1e6)
      if (acked) {
        const ackSecond = Math.floor((sentUs(block, row) + after) / 1e6)
        if (ackSecond >= from && ackSecond < to) {
          cellOf(ackSecond, dcIndex, block.phase[row], block.operation[row]).acked++
        }
      }
      if (second < from || second >= to) continue
      const cell = cellOf(second, dcIndex, block.phase[row], block.operation[row])
      if ((block.flags[row] & WRITE_FLAG.declined) !== 0) {
        cell.declined++
        continue
      }
      cell.offered++
      cell.wait.record(block.sentAfterUs[row])
      if (block.outcome[row] === OUTCOME.fail) cell.failed++
      else if (!acked) cell.unknown++
      else {
        if ((block.flags[row] & WRITE_FLAG.coalesced) !== 0) cell.coalesced++
        cell.response.record(block.sentAfterUs[row] + after)
        cell.service.record(after)
      }
    }
  }
  return cells
}

function writeCells(
  run: RunData,
  from: number,
  cells: Map<number, Cell>,
  csv: TextFile,
  writer: HistogramLogWriter,
): void {
  for (const index of [...cells.keys()].sort((a, b) => a - b)) {
    const cell = cells.get(index) as Cell
    const operation = OPERATION_NAMES[index % 16] ?? 'unknown'
    const phase = PHASE_NAMES[Math.floor(index / 16) % 8] ?? 'unknown'
    const dc = run.dcs[Math.floor(index / 128) % run.dcs.length]
    const second = from + Math.floor(index / 128 / run.dcs.length)
    const at = (histogram: Histogram, percent: number) =>
      formatMilliseconds(percentileUs(histogram, percent) ?? Number.NaN)
    const [response, service, wait] = [cell.response, cell.service, cell.wait].map((counts) => counts.histogram())
    const percentiles = [50, 90, 99, 99.9, 100].map((percent) => at(response, percent))
    const counts = [cell.offered, cell.acked, cell.failed, cell.unknown, cell.coalesced]
    csv.write(
      `${[second, dc, phase, operation, ...counts, ...percentiles, at(service, 50), at(service, 99), at(wait, 50), at(wait, 99), cell.declined].join(',')}\n`,
    )
    if (response.totalCount > 0) {
      response.tag = `${dc}.${operation}`
      writer.outputIntervalHistogram(response, second, second + 1, 1000)
    }
  }
}
