// `conformance`: whether a driver keeps the contract and does what it declares.
import { Command, Option } from 'commander'
import { conform } from '../conformance/conform.ts'
import { closingLine, exitOf, findingLine, findingsJson } from '../conformance/report.ts'
import { CHECK_NAMES } from '../conformance/suite.ts'
import { BenchError } from '../contract/errors.ts'
import { withOutside } from '../outside.ts'
import type { Registry } from '../registry.ts'
import { colorsFor } from '../report/colors.ts'
import { systemName } from '../systems.ts'
import { durationMs } from './units.ts'
import { settingOption } from './options.ts'
import { progressFor } from './progress.ts'
import { abortOnSignals } from './run.ts'
import { scenarioFrom } from './scenario-file.ts'

const OPTIONS: readonly (readonly [flags: string, text: string])[] = [
  ['--driver <names>', 'drivers to check: names that `list` shows, files or packages'],
  ['--replication <names>', 'replications to check (default: all that the driver has)'],
  ['--mode <names>', 'write modes to check (default: all that the driver has)'],
  ['--only <checks>', `checks to run, beside those that set the system up: ${CHECK_NAMES.join(', ')} (default: all)`],
  ['--limit <time>', 'longest that one check may take before it counts as hanging (default: each check’s own)'],
  ['--dcs <names>', 'the data centres (default: us-east,eu-west)'],
  ['--delay <time>', 'one-way delay between DCs (default: 40ms)'],
  ['--seed <n>', 'same seed, same rows (default: 1)'],
  ['--data <folder>', 'where the stores keep their data (default: the system’s folder for temporary files)'],
  ['--ports <range>', 'loopback ports to choose from (default: 15000-32000)'],
]

const EXAMPLES = `
Examples:
  npm run conformance -- --driver=./my-driver.ts
  npm run conformance -- --driver=postgres --replication=cdc --mode=batch
  npm run conformance -- --driver=memory --only=ordered,conflicts --json
`

export function addConformanceOptions(command: Command): Command {
  for (const [flags, text] of OPTIONS) command.addOption(new Option(flags, text))
  return command.addOption(settingOption()).option('--json', 'as JSON').addHelpText('after', EXAMPLES)
}

/** Prints every check as it ends, or all as JSON at the end; returns the exit code. */
export async function conformanceCommand(
  raw: Readonly<Record<string, unknown>>,
  inTree: Registry,
  json: boolean,
): Promise<number> {
  const { only = '', limit, ...options } = raw
  const limitMs = typeof limit === 'string' ? durationMs(limit) : Number.POSITIVE_INFINITY
  if (limitMs === undefined) {
    throw new BenchError('USAGE', `--limit "${String(raw['limit'])}" is not a duration with its unit, such as 30s.`)
  }
  if (options['driver'] === undefined) {
    throw new BenchError('USAGE', 'No driver is named: say which with --driver, such as --driver=./my-driver.ts.')
  }
  const { scenario, registry } = await withOutside(scenarioFrom(options), inTree)
  const colors = colorsFor(process.stdout)
  const progress = progressFor(process.stderr)
  const { signal, release } = abortOnSignals(registry)
  const print = (text: string) => process.stdout.write(text)
  let heading = ''
  try {
    const findings = await conform(scenario, registry, {
      only: String(only)
        .split(',')
        .filter((name) => name !== ''),
      limitMs,
      signal,
      // Lines on standard output are progress enough.
      begins: (system, check) => (json ? progress.step(`${systemName(system)}: ${check}`) : undefined),
      found: (finding) => {
        if (json) return
        const system = `${finding.driver} ${finding.replication}`
        if (system !== heading) print(`${heading === '' ? '' : '\n'}${colors.strong(system)}\n`)
        heading = system
        print(`${findingLine(finding, colors)}\n`)
      },
    })
    print(json ? findingsJson(findings, scenario.seed) : `\n${closingLine(findings)} (seed ${scenario.seed})\n`)
    return exitOf(findings)
  } catch (error) {
    throw signal.aborted ? (signal.reason as Error) : error
  } finally {
    progress.end()
    release()
  }
}
