// summary.csv: one row a run, the numbers of the terminal table.
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { formatFigure } from './numbers.ts'
import { csvCell } from './write-csv.ts'

type Bound = 'value' | 'low' | 'high'

/** Column → the metric and which of its numbers; and its phase where a metric is of rows in one and of counters in another. */
const FIGURES: readonly (readonly [column: string, metric: string, bound: Bound, phase?: string])[] = [
  ['offered_rows_per_s', 'offered', 'value'],
  ['acknowledged_rows_per_s', 'acknowledged', 'value'],
  ['visible_rows_per_s', 'visible', 'value'],
  ['visible_low', 'visible', 'low'],
  ['visible_high', 'visible', 'high'],
  ['failed_rows', 'failed', 'value'],
  ['unknown_rows', 'unknown', 'value'],
  ['dropped_rows', 'dropped', 'value'],
  ['response_p50_ms', 'response_p50', 'value'],
  ['response_p99_ms', 'response_p99', 'value'],
  ['service_p50_ms', 'service_p50', 'value'],
  ['service_p99_ms', 'service_p99', 'value'],
  ['lag_p50_ms', 'lag_p50', 'value'],
  ['lag_p99_ms', 'lag_p99', 'value'],
  ['lag_error_p50_ms', 'lag_error_p50', 'value'],
  ['conflict_share', 'conflict_share', 'value'],
  ['conflict_share_low', 'conflict_share', 'low'],
  ['conflict_share_high', 'conflict_share', 'high'],
  ['conflict_share_predicted', 'conflict_share_predicted', 'value'],
  ['conflicts_reported', 'conflicts_reported', 'value'],
  ['discarded_rows', 'discarded', 'value'],
  ['lost_updates_rows', 'lost_updates', 'value', 'measure'],
  ['lost_updates_low', 'lost_updates', 'low', 'measure'],
  ['lost_updates_high', 'lost_updates', 'high', 'measure'],
  ['lost_writes_rows', 'lost_writes', 'value'],
  ['lost_writes_everywhere_rows', 'lost_writes_everywhere', 'value'],
  ['divergent_rows', 'divergent_rows', 'value'],
  ['convergence_s', 'convergence', 'value'],
  ['convergence_low_s', 'convergence', 'low'],
  ['wan_bytes_per_logical_byte', 'wan_bytes', 'value'],
  ['write_amplification', 'write_amplification', 'value'],
  ['client_cpu_s_per_million_rows', 'client_cpu', 'value'],
  ['server_cpu_s_per_million_rows', 'server_cpu', 'value'],
  ['resident_max_bytes', 'resident_max', 'value'],
  ['declined_rows', 'declined', 'value'],
  ['mixed_rows', 'mixed_rows', 'value'],
  ['resurrected_rows', 'resurrected_rows', 'value'],
  ['reordered_rows', 'reordered', 'value'],
  ['beaten_by_earlier_rows', 'beaten_by_earlier', 'value'],
  ['unknown_present_low', 'unknown_present', 'low'],
  ['unknown_present_high', 'unknown_present', 'high'],
  ['lost_updates_units', 'lost_updates', 'value', 'run'],
  ['lost_updates_by_chains_units', 'lost_updates_by_chains', 'value', 'run'],
]

const NAMES = 'run,driver,replication,mode,workload,shard_key,repeat,seed,rows,dcs,rate_asked'.split(',')
const ENDS = 'conflict_basis,quick,verdict,broken,reasons'.split(',')
export const SUMMARY_COLUMNS: readonly string[] = [...NAMES, ...FIGURES.map(([column]) => column), ...ENDS]

/** summary.csv for these runs, in their order. An empty cell is n/a. */
export function summaryCsv(runs: readonly RunAnalysis[]): string {
  const lines = runs.map((run) => {
    const names = [
      run.run,
      run.driver,
      run.replication,
      run.mode,
      run.workload,
      run.shardKey,
      run.repeat,
      run.seed,
      run.rows,
    ]
    const figures = FIGURES.map(([, metric, bound, phase]) =>
      formatFigure(figureOf(run.metrics, metric, phase === undefined ? {} : { phase })[bound]),
    )
    const { status, broken, reasons } = run.verdict
    return [
      ...names.map(String),
      run.dcs.join(' '),
      run.rateAsked,
      ...figures,
      run.conflictBasis,
      String(run.quick),
      status,
      broken.join(' '),
      reasons.join(' '),
    ]
      .map(csvCell)
      .join(',')
  })
  return `${[SUMMARY_COLUMNS.join(','), ...lines].join('\n')}\n`
}
