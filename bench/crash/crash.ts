// The crash test: runs of seeds, one after another, each judged by its own ledger.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { analyseRun } from '../analyse/run.ts'
import { parseScenario } from '../cli/scenario-schema.ts'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { BenchError, messageOf, type ErrorCode } from '../contract/errors.ts'
import type { Scenario } from '../contract/scenario.ts'
import type { Progress } from '../cli/progress.ts'
import type { Registry } from '../registry.ts'
import { Run } from '../run.ts'
import { deployPlanOf, systemsOf, topologyOf, workloadOf } from '../systems.ts'
import { brokenIn } from './judge.ts'
import { seedPlan, victimsOf, type SeedPlan } from './seed-plan.ts'

/** What is the same for all seeds. */
interface CrashOrder {
  /** Which driver and replication, and where: options as on the command line. */
  readonly options: Readonly<Record<string, unknown>>
  readonly registry: Registry
  readonly version: string
  /** Where the folders of seeds that broke something stay. */
  readonly folder: string
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** What a machine that is too busy ends a run with, before anything is written. */
const BEFORE_ALL: ReadonlySet<ErrorCode> = new Set(['LINK', 'PORTS'])

/** How one seed ended. */
export interface SeedResult {
  readonly seed: number
  readonly system: string
  readonly workload: string
  readonly kills: readonly string[]
  /** Sentences; none where all held. */
  readonly broken: readonly string[]
  /** Why the run could not be made, so that nothing is known: nothing had been written or killed yet. */
  readonly unjudged?: string
  readonly acknowledgedPerSecond: number | null
  readonly unknown: number | null
  readonly failed: number | null
  readonly convergenceSeconds: number | null
  /** Kept where something broke. */
  readonly folder?: string
}

/** What the system can be asked, and what of it can be killed. */
function groundOf(scenario: Scenario, registry: Registry) {
  const [system] = systemsOf(scenario, registry)
  const { driver } = system.entry
  const plan = deployPlanOf(system, scenario, workloadOf(scenario, registry), '')
  const modes = driver.modes.filter(
    ({ notFor, appendsOnly }) => appendsOnly !== true && notFor?.includes(system.replication.name) !== true,
  )
  return { modes: modes.map(({ name }) => name), victims: victimsOf(driver.services(plan), topologyOf(scenario)) }
}

/** The plan of one seed for the system that `options` name. Throws USAGE. */
function planOf(seed: number, { options, registry }: Pick<CrashOrder, 'options' | 'registry'>): SeedPlan {
  return seedPlan(seed, groundOf(parseScenario({ ...options, quick: true }), registry))
}

/** Runs one seed. What a run throws is a finding as well, unless the whole test is being ended. */
export async function runSeed(seed: number, order: CrashOrder): Promise<SeedResult> {
  const { registry, progress, signal } = order
  const plan = planOf(seed, order)
  const scenario = parseScenario({ ...order.options, ...plan.options, quick: true })
  const [system] = systemsOf(scenario, registry)
  const kills = scenario.faults.map(({ name, startMs, lengthMs }) => `${name} at ${startMs} ms for ${lengthMs} ms`)
  const folder = join(order.folder, `seed-${seed}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(order.folder, { recursive: true })
  let analysis: RunAnalysis | undefined
  let broken: readonly string[] = []
  let unjudged: string | undefined
  try {
    const context = { scenario, system, workload: workloadOf(scenario, registry), version: order.version, folder }
    await measured({ ...context, index: 1, repeat: 1, progress, signal }, plan.rowsPerSecond)
    analysis = await analyseRun(folder)
    broken = brokenIn(analysis, kills.length)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof BenchError && BEFORE_ALL.has(error.code)) unjudged = error.message
    else broken = [messageOf(error)]
  }
  if (broken.length === 0) rmSync(folder, { recursive: true, force: true })
  const count = (metric: string) => (analysis === undefined ? null : figureOf(analysis.metrics, metric).value)
  return {
    seed,
    system: [system.entry.driver.name, system.replication.name, system.mode.name].join(' '),
    workload: scenario.workload,
    kills,
    broken,
    ...(unjudged === undefined ? {} : { unjudged }),
    acknowledgedPerSecond: count('acknowledged'),
    unknown: count('unknown'),
    failed: count('failed'),
    convergenceSeconds: count('convergence'),
    ...(broken.length === 0 ? {} : { folder }),
  }
}

async function measured(context: Parameters<typeof Run.open>[0], rowsPerSecond: number): Promise<void> {
  await using run = await Run.open(context)
  await run.measure(rowsPerSecond)
}
