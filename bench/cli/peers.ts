// `peers`: geowrite against other tools doing the same work on the same servers.
import { Command, Option } from 'commander'
import { BenchError } from '../contract/errors.ts'
import { suggestion } from '../lib/nearest.ts'
import { compare, type Result } from '../peers/compare.ts'
import type { Comparison, Gauge } from '../peers/comparison.ts'
import { takeGauge, type Reading } from '../peers/gauge.ts'
import { COMPARISONS, GAUGES } from '../peers/list.ts'
import { exitOf, readingLine, resultLine, resultsJson } from '../peers/report.ts'
import type { Registry } from '../registry.ts'
import { colorsFor } from '../report/colors.ts'
import { progressFor } from './progress.ts'
import { abortOnSignals } from './run.ts'
import { parseScenario } from './scenario-schema.ts'
import { durationMs, wholeNumber } from './units.ts'

const NAMES = [...COMPARISONS, ...GAUGES].map(({ name }) => name)

const PAIRS = 5
/** A server on a JVM takes some minute of load until it is compiled; the others are warm sooner. */
const WARMUP_PAIRS = 4
const TURN = '8s'

const OPTIONS: readonly (readonly [flags: string, text: string])[] = [
  ['--only <names>', `what to measure: ${NAMES.join(', ')} (default: all)`],
  ['--pairs <n>', `turns that count, of both sides (default: ${PAIRS})`],
  ['--warmup-pairs <n>', `pairs of turns before them that do not count (default: ${WARMUP_PAIRS})`],
  ['--turn <time>', `how long a turn is, where it is not one piece of work (default: ${TURN})`],
  ['--seed <n>', 'same seed, same rows (default: 1)'],
  ['--data <folder>', 'where the stores keep their data (default: the system’s folder for temporary files)'],
  ['--ports <range>', 'loopback ports to choose from (default: 15000-32000)'],
]

const EXAMPLES = `
Examples:
  npm run peers
  npm run peers -- --only=cassandra-single-bare,cassandra-batch-bare
  npm run peers -- --pairs=9 --json
`

export function addPeersOptions(command: Command): Command {
  for (const [flags, text] of OPTIONS) command.addOption(new Option(flags, text))
  return command.option('--json', 'as JSON').addHelpText('after', EXAMPLES)
}

interface Chosen {
  readonly comparisons: readonly Comparison[]
  readonly gauges: readonly Gauge[]
}

function chosen(only: string): Chosen {
  const names = only.split(',').filter((name) => name !== '')
  const misspelt = names.find((name) => !NAMES.includes(name))
  if (misspelt !== undefined) {
    throw new BenchError('USAGE', `There is no comparison ${misspelt}: ${suggestion(misspelt, NAMES)}`)
  }
  const isChosen = ({ name }: { readonly name: string }) => names.length === 0 || names.includes(name)
  return { comparisons: COMPARISONS.filter(isChosen), gauges: GAUGES.filter(isChosen) }
}

function count(option: string, given: string | undefined, least: number, otherwise: number): number {
  if (given === undefined) return otherwise
  const value = wholeNumber(given)
  if (value !== undefined && value >= least && value <= 1000) return value
  throw new BenchError('USAGE', `--${option} "${given}" is not a whole number from ${least} to 1000.`)
}

function turnMs(given: string): number {
  const ms = durationMs(given)
  if (ms !== undefined && ms >= 500) return ms
  throw new BenchError('USAGE', `--turn "${given}" is not a duration of at least 500ms, such as 8s.`)
}

/** Prints every line as its comparison ends, or all as JSON at the end; returns the exit code. */
export async function peersCommand(
  raw: Readonly<Record<string, string | undefined>>,
  registry: Registry,
  json: boolean,
): Promise<number> {
  const { only = '', pairs, 'warmup-pairs': warmupPairs, turn = TURN, ...options } = raw
  const { comparisons, gauges } = chosen(only)
  const turns = {
    pairs: count('pairs', pairs, 1, PAIRS),
    warmupPairs: count('warmup-pairs', warmupPairs, 0, WARMUP_PAIRS),
    durationMs: turnMs(turn),
  }
  const { data, ports, seed } = parseScenario(options)
  const colors = colorsFor(process.stdout)
  const { signal, release } = abortOnSignals(registry)
  const results: Result[] = []
  const readings: Reading[] = []
  let progress = progressFor(process.stderr)
  const where = () => {
    // What is live on a terminal ends before a result is printed.
    progress = progressFor(process.stderr)
    return { registry, place: { data, ports, seed }, progress, signal }
  }
  const print = (line: string) => void (json || process.stdout.write(`${line}\n`))
  try {
    for (const comparison of comparisons) {
      const found = await compare(comparison, turns, where())
      progress.end()
      results.push(...found)
      for (const result of found) print(resultLine(result, colors))
    }
    for (const gauge of gauges) {
      const reading = await takeGauge(gauge, turns, where())
      progress.end()
      readings.push(reading)
      print(readingLine(reading, colors))
    }
    if (json) process.stdout.write(resultsJson(results, readings, turns, seed))
    return exitOf([...results, ...readings])
  } catch (error) {
    progress.fail()
    throw signal.aborted ? (signal.reason as Error) : error
  } finally {
    release()
  }
}
