// `run`: measures, and ends cleanly when it is told to stop.
import { readFileSync } from 'node:fs'
import { BenchError, EXIT, messageOf } from '../contract/errors.ts'
import { planBench, runBench } from '../bench.ts'
import { blameForStray, outsidersIn } from '../outside/culprit.ts'
import { refuseWhatCannotFit } from '../estimate-room.ts'
import type { Scenario } from '../contract/scenario.ts'
import { withOutside } from '../outside.ts'
import type { Registry } from '../registry.ts'
import { dryRunJson, dryRunText } from './dry-run.ts'
import { printBench } from './print.ts'
import { progressFor } from './progress.ts'
import { scenarioFrom } from './scenario-file.ts'

/** After this the guardian is left to end what is still running: Ctrl-C must not take 5 s. */
const END_WITHIN_MS = 4000

export function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

/** A run that a failure ended, which nobody waited for, has so long to end in order. */
const FAILED_END_WITHIN_MS = 30_000

/** Aborts on the first signal that asks the process to end; a second one ends it at once. `registry`: whose errors may come up. */
export function abortOnSignals(registry: Registry): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const onSignal = (name: string) => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted)
    const sentence = `Interrupted by ${name}; what was running has been ended, runs that were complete are kept.`
    setTimeout(() => {
      process.stderr.write(`geowrite: ${sentence}\n`)
      process.exit(EXIT.interrupted)
    }, END_WITHIN_MS).unref()
    controller.abort(new BenchError('INTERRUPTED', sentence))
  }
  // A failure that nobody waits for ends the run in order; what breaks while everything is being ended is no news.
  let failing: NodeJS.Timeout | undefined
  const onUnhandled = (error: unknown) => {
    if (controller.signal.aborted) return
    const ours = `An error in geowrite itself: ${messageOf(error)} — please report it.`
    const ending =
      error instanceof BenchError
        ? error
        : (blameForStray(error, outsidersIn(registry)) ?? new BenchError('BUG', ours, { cause: error }))
    failing = setTimeout(() => {
      process.stderr.write(`geowrite: ${ending.message}\n`)
      process.exit(ending.exit)
    }, FAILED_END_WITHIN_MS).unref()
    controller.abort(ending)
  }
  // A driver that calls process.exit must not make a run look done; what it started the guardian ends.
  const onExit = () => {
    const [first] = outsidersIn(registry)
    if (controller.signal.aborted || first === undefined || process.stdout.errored !== null) return
    process.stderr.write(
      `geowrite: Something from outside, such as ${first.file}, ended the process (process.exit): it must throw instead.\n`,
    )
    process.exitCode = EXIT.invalid
  }
  process.on('exit', onExit)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, onSignal)
  process.on('unhandledRejection', onUnhandled)
  process.on('uncaughtException', onUnhandled)
  const release = () => {
    for (const name of signals) process.off(name, onSignal)
    process.off('unhandledRejection', onUnhandled)
    process.off('uncaughtException', onUnhandled)
    process.off('exit', onExit)
    clearTimeout(failing)
  }
  return { signal: controller.signal, release }
}

/** What is not an option of the scenario: how it is told, and that it is only told. */
interface RunMode {
  readonly json: boolean
  readonly dryRun: boolean
}

async function dryRun(scenario: Scenario, registry: Registry, json: boolean): Promise<number> {
  const { workload, estimate, room } = await planBench(scenario, registry)
  process.stdout.write(json ? dryRunJson(scenario, estimate, room) : dryRunText(scenario, workload, estimate, room))
  refuseWhatCannotFit(estimate, room)
  return EXIT.done
}

export async function runCommand(
  raw: Readonly<Record<string, unknown>>,
  inTree: Registry,
  mode: RunMode,
): Promise<number> {
  const { json } = mode
  const { scenario, registry } = await withOutside(scenarioFrom(raw), inTree)
  if (mode.dryRun) return dryRun(scenario, registry, json)
  const progress = progressFor(process.stderr)
  const { signal, release } = abortOnSignals(registry)
  try {
    const { folder, analysis } = await runBench(scenario, registry, versionOfPackage(), progress, signal)
    progress.end()
    return printBench(analysis, folder, json)
  } catch (error) {
    progress.fail()
    // Whatever broke because everything was being ended is the interruption's doing.
    throw signal.aborted ? (signal.reason as Error) : error
  } finally {
    release()
  }
}
