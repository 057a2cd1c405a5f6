// `crash`: kills whatever runs beside the harness at random moments under load, seed by seed, and checks that nothing is lost.
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { BenchError, EXIT } from '../contract/errors.ts'
import { runSeed, type SeedResult } from '../crash/crash.ts'
import type { Registry } from '../registry.ts'
import type { Colors } from '../report/colors.ts'
import { colorsFor } from '../report/colors.ts'
import { settingOption } from './options.ts'
import { progressFor } from './progress.ts'
import { abortOnSignals } from './run.ts'
import { scenarioFrom } from './scenario-file.ts'
import { wholeNumber } from './units.ts'

const SEEDS = '1-20'
const SEEDS_MOST = 100_000
const DRIVERS = 'lsm,postgres'

const OPTIONS: readonly (readonly [flags: string, text: string])[] = [
  ['--seeds <seeds>', `which seeds, such as 1-500 or 7,12 (default: ${SEEDS})`],
  ['--driver <names>', `drivers, taken in turn from seed to seed (default: ${DRIVERS})`],
  ['--replication <name>', 'the replication (default: each driver’s own)'],
  ['--dcs <names>', 'the data centres (default: us-east,eu-west)'],
  ['--out <folder>', 'where runs that broke something are kept (default: results)'],
  ['--data <folder>', 'where the stores keep their data (default: the system’s folder for temporary files)'],
  ['--ports <range>', 'loopback ports to choose from (default: 15000-32000)'],
]

const EXAMPLES = `
Examples:
  npm run crash -- --seeds=1-500
  npm run crash -- --seeds=42 --driver=lsm
  npm run crash -- --driver=postgres --dcs=a,b,c --json
`

export function addCrashOptions(command: Command): Command {
  for (const [flags, text] of OPTIONS) command.addOption(new Option(flags, text))
  return command.addOption(settingOption()).option('--json', 'as JSON').addHelpText('after', EXAMPLES)
}

/** The seeds of a text such as `1-500` or `7,12,20-30`, in order. Throws USAGE. */
function seedsOf(text: string): number[] {
  const seeds: number[] = []
  for (const part of text.split(',')) {
    const [first, last = first, ...rest] = part.split('-').map(wholeNumber)
    if (first === undefined || last === undefined || rest.length > 0 || last < first || last - first >= SEEDS_MOST) {
      throw new BenchError('USAGE', `--seeds "${text}" is not a list of seeds, such as 1-500 or 7,12.`)
    }
    for (let seed = first; seed <= last; seed++) seeds.push(seed)
  }
  return seeds
}

const howMany = (count: number | null): string => (count === null ? 'n/a' : Math.round(count).toLocaleString('en-US'))

function line(result: SeedResult, colors: Colors): string {
  const { seed, system, workload, kills, broken, folder, unknown, failed, convergenceSeconds } = result
  if (result.unjudged !== undefined)
    return `${colors.doubtful('none')} seed ${seed}: ${system}: not judged: ${result.unjudged}`
  const mark = broken.length === 0 ? colors.good('ok  ') : colors.bad('LOST')
  const counts = `${howMany(result.acknowledgedPerSecond)} rows/s acknowledged, ${howMany(unknown)} unknown, ${howMany(failed)} failed`
  const equal = convergenceSeconds === null ? '' : `, equal after ${convergenceSeconds.toFixed(2)} s`
  const head = `${mark} seed ${seed}: ${system}, ${workload}: ${kills.join('; ')}: ${counts}${equal}`
  const kept = folder === undefined ? [] : [`       kept in ${folder}; again: npm run crash -- --seeds=${seed}`]
  return [head, ...broken.map((sentence) => `       ${sentence}`), ...kept].join('\n')
}

/** Runs every seed and prints a line each, or all as JSON at the end; returns the exit code. */
export async function crashCommand(
  raw: Readonly<Record<string, unknown>>,
  registry: Registry,
  version: string,
  json: boolean,
): Promise<number> {
  const { seeds: asked = SEEDS, driver = DRIVERS, ...options } = raw
  const seeds = seedsOf(String(asked))
  const { drivers, out } = scenarioFrom({ ...options, driver })
  const colors = colorsFor(process.stdout)
  const progress = progressFor(process.stderr)
  const { signal, release } = abortOnSignals(registry)
  const results: SeedResult[] = []
  const quiet = { ...progress, step: () => undefined, live: () => undefined, note: () => undefined }
  try {
    for (const seed of seeds) {
      progress.step(`seed ${seed}, ${results.length} of ${seeds.length} done`)
      const own = { ...options, driver: drivers[seed % drivers.length] }
      const order = { options: own, registry, version, folder: join(out, 'crash'), progress: quiet, signal }
      const result = await runSeed(seed, order)
      results.push(result)
      if (!json) process.stdout.write(`${line(result, colors)}\n`)
    }
    const broken = results.filter((result) => result.broken.length > 0)
    const unjudged = results.filter((result) => result.unjudged !== undefined)
    const names = (some: readonly SeedResult[]) => some.map(({ seed }) => seed).join(',')
    const held = results.length - broken.length - unjudged.length
    const verdict = [
      `${held} of ${results.length} seeds held${broken.length === 0 ? ', nothing lost' : ''}`,
      ...(broken.length === 0 ? [] : [`${broken.length} broke something: ${names(broken)}`]),
      ...(unjudged.length === 0 ? [] : [`${unjudged.length} were not judged: --seeds=${names(unjudged)}`]),
    ].join('; ')
    process.stdout.write(json ? `${JSON.stringify({ format: 1, results }, undefined, 2)}\n` : `${verdict}\n`)
    if (broken.length > 0) return EXIT.failed
    return unjudged.length === 0 ? EXIT.done : EXIT.invalid
  } catch (error) {
    throw signal.aborted ? (signal.reason as Error) : error
  } finally {
    progress.end()
    release()
  }
}
