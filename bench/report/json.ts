// The machine-readable summary of a bench: what the table shows and why, in stable names.
import { figureOf, type BenchAnalysis } from '../contract/analysis.ts'
import { unpublishable, writeWaits } from './wait-sentences.ts'

const TABLE_METRICS = [
  'offered',
  'acknowledged',
  'visible',
  'response_p50',
  'response_p99',
  'lag_p50',
  'lag_p99',
  'lag_error_p50',
  'lag_error_distance',
  'conflict_share',
  'conflict_share_predicted',
  'discarded',
  'lost_updates',
  'lost_updates_by_chains',
  'lost_writes',
  'lost_writes_everywhere',
  'mixed_rows',
  'resurrected_rows',
  'reordered',
  'beaten_by_earlier',
  'unknown_present',
  'declined',
  'divergent_rows',
  'convergence',
  'wan_bytes',
  'write_amplification',
  'client_cpu',
  'server_cpu',
  'resident_max',
] as const

/** One JSON document, ended by a line break. n/a is null. */
export function jsonSummary(bench: BenchAnalysis, folder: string): string {
  const systems = bench.systems.map((system) => ({
    label: system.label,
    driver: system.driver,
    replication: system.replication,
    shardKey: system.shardKey,
    runs: system.runs,
    rowsPerSecond: system.rowsPerSecond,
    conflictBasis: system.conflictBasis,
    metrics: Object.fromEntries(
      TABLE_METRICS.map((metric) => {
        const { value, low, high, n } = figureOf(system.metrics, metric)
        const unit = system.metrics.find((one) => one.metric === metric)?.unit ?? null
        return [metric, { unit, value, low, high, n }]
      }),
    ),
    writeWaits: writeWaits(system),
    pairs: bench.runs[0].links.map(({ from, to, delayMs: asked, isUnknown }) => {
      const delayMs = isUnknown === true ? null : asked
      const at = { dc: from, peer: to }
      const [lagMsP50, lagMsP99, wanBytes] = ['lag_p50', 'lag_p99', 'wan_bytes'].map(
        (metric) => figureOf(system.metrics, metric, at).value,
      )
      return { from, to, delayMs, lagMsP50, lagMsP99, wanBytes }
    }),
  }))
  const runs = bench.runs.map(
    ({ run, notes, audit, verdict, metrics, notForPublishing, faults = [], planted = [] }) => ({
      run,
      notForPublishing,
      notes,
      audit,
      planted,
      faults: faults.map((fault) => ({ ...fault, metrics: metrics.filter(({ phase }) => phase === fault.name) })),
      verdict,
    }),
  )
  const { workload, verdict } = bench
  const [{ rows, dcs, links, seed, quick }] = bench.runs
  const notForPublishing = unpublishable(bench.runs)
  const head = { folder, workload, rows, dcs, links, seed, quick, notForPublishing }
  return `${JSON.stringify({ ...head, verdict, systems, runs }, undefined, 2)}\n`
}
