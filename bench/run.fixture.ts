// A run for tests: options as on the command line, a folder of its own, no progress, and the analysis at the end.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { analyseRun } from './analyse/run.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { figureOf, type RunAnalysis } from './contract/analysis.ts'
import { Run, type RunContext } from './run.ts'
import type { Registry } from './registry.ts'
import { systemsOf, workloadOf } from './systems.ts'
import { silent } from './silent.fixture.ts'

const inTree: Registry = { drivers, workloads }

export interface FinishedRun {
  readonly analysis: RunAnalysis
  /** The run's folder; gone when the test's body has ended. */
  readonly folder: string
  /** Still deployed: its stores can be read. */
  readonly run: Run
  value(metric: string, at?: Parameters<typeof figureOf>[2]): number | null
}

/**
 * Measures one system at `rowsPerSecond` and hands it over while its stores still run. `opened` is waited for before the load
 * begins, when the stores are there. `registry`: what exists, where that is not what is in the tree.
 */
export async function withRun(
  options: Readonly<Record<string, unknown>>,
  rowsPerSecond: number | null,
  body: (finished: FinishedRun) => Promise<void>,
  opened: (run: Run) => Promise<void> = async () => undefined,
  registry: Registry = inTree,
): Promise<void> {
  const scenario = parseScenario({ quick: true, ...options })
  const [system] = systemsOf(scenario, registry)
  const parent = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
  const folder = join(parent, 'run')
  const context: RunContext = {
    scenario,
    system,
    workload: workloadOf(scenario, registry),
    version: 'test',
    folder,
    index: 1,
    repeat: 1,
    progress: silent,
    signal: AbortSignal.timeout(170_000),
  }
  try {
    await using run = await Run.open(context)
    await opened(run)
    await run.measure(rowsPerSecond)
    const analysis = await analyseRun(folder)
    await body({ analysis, folder, run, value: (metric, at) => figureOf(analysis.metrics, metric, at).value })
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}
