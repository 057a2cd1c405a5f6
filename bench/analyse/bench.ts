// All runs of a bench folder: each analysed, repeats of a system put together, summary.csv and metrics.csv written.
import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { BenchAnalysis, Metric, RunAnalysis, SystemAnalysis, Verdict } from '../contract/analysis.ts'
import { BenchError } from '../contract/errors.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import { analyseRun } from './run.ts'
import { medianWithSpread } from './statistics.ts'
import { summaryCsv } from './summary.ts'
import { metricsCsv, replaceText } from './write-csv.ts'

/** Analyses every run in `runs/` and writes the bench's two CSVs. Throws RUN_FOLDER when there is no run. */
export async function analyseBench(folder: string): Promise<BenchAnalysis> {
  const runsFolder = join(folder, 'runs')
  const names = existsSync(runsFolder)
    ? readdirSync(runsFolder).filter((name) => existsSync(join(runsFolder, name, RUN_FILES.run)))
    : []
  if (names.length === 0) {
    throw new BenchError(
      'RUN_FOLDER',
      `${folder} holds no finished run (runs/*/${RUN_FILES.run}): give a bench folder that geowrite wrote.`,
    )
  }
  const runs: RunAnalysis[] = []
  for (const name of names) runs.push(await analyseRun(join(runsFolder, name)))
  runs.sort((a, b) => a.index - b.index || (a.run < b.run ? -1 : 1))
  replaceText(join(folder, 'summary.csv'), summaryCsv(runs))
  replaceText(join(folder, 'metrics.csv'), metricsCsv(runs))
  const systems = groupSystems(runs)
  return {
    folder: basename(resolve(folder)),
    workload: runs[0].workload,
    runs,
    systems,
    verdict: joinVerdicts(runs, systems),
  }
}

function groupSystems(runs: readonly RunAnalysis[]): SystemAnalysis[] {
  const groups = new Map<string, RunAnalysis[]>()
  for (const run of runs) {
    const name = JSON.stringify([run.driver, run.replication, run.mode, run.shardKey, run.durability])
    groups.set(name, [...(groups.get(name) ?? []), run])
  }
  const several = new Set(runs.map((run) => run.shardKey)).size > 1
  const modes = new Set(runs.map((run) => JSON.stringify([run.driver, run.replication, run.mode]))).size
  const plain = new Set(runs.map((run) => JSON.stringify([run.driver, run.replication]))).size
  return [...groups.values()].map((group) => {
    const [first] = group
    const label = [
      first.driver,
      first.replication,
      ...(modes > plain ? [first.mode] : []),
      ...(several ? [first.shardKey] : []),
    ]
    return {
      label: label.join(' '),
      driver: first.driver,
      replication: first.replication,
      shardKey: first.shardKey,
      capabilities: first.capabilities,
      conflictBasis: weakest(group),
      runs: group.map((run) => run.run),
      rowsPerSecond: first.rowsPerSecond,
      metrics: group.length === 1 ? first.metrics : joinMetrics(group),
    }
  })
}

function weakest(group: readonly RunAnalysis[]): RunAnalysis['conflictBasis'] {
  const order = ['unknown', 'estimated', 'ordered', 'probed', 'exact'] as const
  return order.find((basis) => group.some((run) => run.conflictBasis === basis)) ?? 'unknown'
}

/** Medians over the repeats, with the smallest and the largest as bounds. */
function joinMetrics(group: readonly RunAnalysis[]): Metric[] {
  const nameOf = (metric: Metric) => JSON.stringify([metric.metric, metric.dc, metric.peer, metric.phase])
  const byRun = group.map((run) => new Map(run.metrics.map((metric) => [nameOf(metric), metric])))
  return group[0].metrics.map((metric) => {
    const values = byRun.map((metrics) => metrics.get(nameOf(metric))?.value ?? null)
    return { ...metric, ...medianWithSpread(values), n: group.length }
  })
}

/** The bench is valid when every run is; a sentence names its run where there are several. */
function joinVerdicts(runs: readonly RunAnalysis[], systems: readonly SystemAnalysis[]): Verdict {
  const name = (run: RunAnalysis) => {
    const system = systems.find((one) => one.runs.includes(run.run))
    const repeat = system !== undefined && system.runs.length > 1 ? ` #${run.repeat}` : ''
    return runs.length === 1 ? '' : `${system?.label ?? run.run}${repeat}: `
  }
  const all = (pick: (verdict: Verdict) => readonly string[]) =>
    runs.flatMap((run) => pick(run.verdict).map((sentence) => `${name(run)}${sentence}`))
  return {
    status: runs.every((run) => run.verdict.status === 'valid') ? 'valid' : 'invalid',
    reasons: all((verdict) => verdict.reasons),
    warnings: all((verdict) => verdict.warnings),
    broken: all((verdict) => verdict.broken),
  }
}
