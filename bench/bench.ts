// One invocation: every system of a scenario, one after another, at a rate that makes them comparable; then the analysis.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { analyseBench } from './analyse/bench.ts'
import { answerOf } from './bounds/answer.ts'
import { whoseDriver } from './bounds/whose.ts'
import type { Progress } from './cli/progress.ts'
import { BenchError, messageOf } from './contract/errors.ts'
import { RUN_FILES } from './contract/run-folder.ts'
import type { Scenario } from './contract/scenario.ts'
import { exportBench } from './export/export-bench.ts'
import { estimateOf } from './estimate.ts'
import { doubtsOn, refuseWhatCannotFit, roomFor } from './estimate-room.ts'
import type { Registry } from './registry.ts'
import { Run, type RunContext } from './run.ts'
import { AUTO_SHARE, roundRate, type Calibration } from './stages/calibrate.ts'
import { placeKindOf, refuseUncontained } from './stages/deployments.ts'
import { faultsFor } from './stages/fault-ground.ts'
import { dropLargeLedgers } from './stages/ledger-limit.ts'
import { deployPlanOf, idleOptions, systemName, systemsOf, topologyOf, workloadOf, type System } from './systems.ts'

function benchFolder(out: string, workload: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-')
  for (let attempt = 0; ; attempt++) {
    const folder = join(out, `${stamp}Z-${workload}${attempt === 0 ? '' : `-${attempt + 1}`}`)
    try {
      mkdirSync(out, { recursive: true })
      mkdirSync(folder)
      mkdirSync(join(folder, 'runs'))
      return folder
    } catch (error) {
      // Two benches that start in the same second each get a folder of their own.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(folder) && attempt < 100) continue
      throw new BenchError(
        'RESULTS_FOLDER',
        `The results folder ${out} cannot be written (${messageOf(error)}): choose another with --out.`,
      )
    }
  }
}

/** What a system can be offered by its calibration. */
function autoRate({ acknowledgedPerSecond, visiblePerSecond }: Calibration): number {
  return roundRate(AUTO_SHARE * Math.min(acknowledgedPerSecond, visiblePerSecond))
}

/** Every system is deployed, loaded and calibrated before any is measured, so that all are measured at the lowest rate. */
async function measureTogether(contexts: readonly RunContext[]): Promise<void> {
  await using held = new AsyncDisposableStack()
  const runs: Run[] = []
  const rates: number[] = []
  for (const context of contexts) {
    const run = held.use(await Run.open(context))
    runs.push(run)
    rates.push(autoRate(await run.calibrate()))
  }
  const rate = Math.min(...rates)
  for (const run of runs) {
    await run.measure(rate)
    await run[Symbol.asyncDispose]()
  }
}

/** Only calibrates: what it deployed and wrote is gone afterwards. */
async function calibrateAlone(context: RunContext): Promise<Calibration> {
  try {
    await using run = await Run.open(context)
    return await run.calibrate()
  } finally {
    rmSync(context.folder, { recursive: true, force: true })
  }
}

/** Returns the rate at which it was measured; null is a closed loop. */
async function measureAlone(context: RunContext, rate: number | null | 'auto'): Promise<number | null> {
  await using run = await Run.open(context)
  const rowsPerSecond = rate === 'auto' ? autoRate(await run.calibrate()) : rate
  await run.measure(rowsPerSecond)
  return rowsPerSecond
}

/**
 * Every run of the scenario, repeats interleaved. With repeats every system is calibrated beforehand and all runs are alike:
 * each on a deployment of its own, alone, at the rate found. A single repeat measures what it has calibrated, which is quicker.
 */
async function measureAll(
  contextOf: (system: System, repeat: number) => RunContext,
  scenario: Scenario,
  systems: readonly System[],
  calibrationOf: (system: System) => RunContext,
): Promise<void> {
  const { rate } = scenario
  const asked = rate.kind === 'fixed' ? rate.rowsPerSecond : rate.kind === 'max' ? null : 'auto'
  const calibrations = new Map<System, Calibration>()
  const rates = systems.map((): number | null | 'auto' => asked)
  // Systems that share the user's servers cannot be there at one time.
  const together = scenario.repeat === 1 && (scenario.deployment !== 'external' || systems.length === 1)
  if (asked === 'auto' && !together) {
    for (const [i, system] of systems.entries()) {
      const found = await calibrateAlone(calibrationOf(system))
      calibrations.set(system, found)
      rates[i] = autoRate(found)
    }
    if (rate.kind === 'auto') rates.fill(Math.min(...rates.map(Number)))
  }
  for (let repeat = 1; repeat <= scenario.repeat; repeat++) {
    const contexts = systems.map((system): RunContext => {
      const calibrated = calibrations.get(system)
      return { ...contextOf(system, repeat), ...(calibrated === undefined ? {} : { calibrated }) }
    })
    if (rate.kind === 'auto' && together) await measureTogether(contexts)
    else for (const [i, context] of contexts.entries()) rates[i] = await measureAlone(context, rates[i])
  }
}

/** Everything about a bench that can be known before it starts. Throws COMPONENT where a system cannot run here. */
export async function planBench(scenario: Scenario, registry: Registry) {
  const workload = workloadOf(scenario, registry)
  const systems = systemsOf(scenario, registry)
  for (const { entry, settings } of systems) {
    // Servers that are there already need no programs of ours.
    if (scenario.deployment === 'external') continue
    const { driver } = entry
    const whose = whoseDriver(entry, driver.name)
    const bound = { what: 'answered its missing()', limitMs: whose.limits.answerMs }
    const missing = await answerOf(whose, bound, () => driver.missing(settings, placeKindOf(scenario)))
    if (missing !== undefined) throw new BenchError('COMPONENT', missing)
  }
  // What the faults of one system hit may not exist in another: better known before any has run.
  for (const system of systems) {
    const plan = deployPlanOf(system, scenario, workload, '')
    refuseUncontained(scenario, system.entry.driver.services(plan))
    faultsFor(scenario, system, plan, topologyOf(scenario))
  }
  return { workload, systems, estimate: estimateOf(scenario, systems, workload), room: roomFor(scenario) }
}

/**
 * Runs the scenario and returns its bench folder and analysis. Completed runs stay when a later one fails. Throws ROOM where
 * the machine cannot hold it.
 */
export async function runBench(
  scenario: Scenario,
  registry: Registry,
  version: string,
  progress: Progress,
  signal: AbortSignal,
) {
  const { workload, systems, estimate, room } = await planBench(scenario, registry)
  refuseWhatCannotFit(estimate, room)
  for (const note of [...idleOptions(scenario, systems, workload), ...doubtsOn(estimate, room)]) progress.note(note)
  const folder = benchFolder(scenario.out, workload.workload.name)
  let index = 0
  const contextOf = (system: System, repeat: number): RunContext => {
    index++
    const name = `${index}-${systemName(system).replaceAll(' ', '-')}`
    return { scenario, system, workload, version, folder: join(folder, 'runs', name), index, repeat, progress, signal }
  }
  const calibrationOf = (system: System): RunContext => {
    const place = join(folder, 'runs', `calibration-${systemName(system).replaceAll(' ', '-')}`)
    return { scenario, system, workload, version, folder: place, index: 0, repeat: 0, progress, signal }
  }
  try {
    await measureAll(contextOf, scenario, systems, calibrationOf)
  } catch (error) {
    if (dropUnfinished(folder)) {
      await analyseBench(folder)
      progress.note(`the runs that were complete are kept: npm run bench -- report ${folder}`)
    }
    throw error
  }
  progress.step('analysing')
  const analysis = await analyseBench(folder)
  if (scenario.exportLedger !== undefined) {
    const begins = (run: string) => progress.step(`exporting the ledger of ${run}`)
    await exportBench(folder, scenario.exportLedger, begins, signal)
  }
  for (const run of dropLargeLedgers(folder, scenario.ledgerLimitBytes)) {
    progress.note(
      `${run}: its ledger was larger than --ledger-limit and has been dropped; report answers from the figures kept`,
    )
  }
  return { folder, analysis }
}

/** A run without its facts cannot be reported; a bench without any run is nothing. Says whether any run is left. */
function dropUnfinished(folder: string): boolean {
  const runs = join(folder, 'runs')
  for (const name of readdirSync(runs)) {
    if (!existsSync(join(runs, name, RUN_FILES.run))) rmSync(join(runs, name), { recursive: true, force: true })
  }
  const isKept = readdirSync(runs).length > 0
  if (!isKept) rmSync(folder, { recursive: true, force: true })
  return isKept
}
