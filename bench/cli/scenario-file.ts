// `--scenario=file`: a YAML or JSON file with the options of a run under their own names; the command line goes before it.
import { parse } from 'yaml'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Scenario } from '../contract/scenario.ts'
import { readBounded } from '../lib/bounded-file.ts'
import { parseScenario } from './scenario-schema.ts'

type Mapping = Readonly<Record<string, unknown>>

/** Options that may be repeated: those of the command line come after those of the file. */
const LISTS = ['set', 'link', 'fault', 'skew-clock'] as const

function readScenarioFile(path: string): Mapping {
  let parsed: unknown
  try {
    // JSON is YAML.
    parsed = parse(readBounded(path), { prettyErrors: false, logLevel: 'error' })
  } catch (error) {
    throw new BenchError(
      'SCENARIO',
      `The scenario ${path} cannot be read (${messageOf(error).split('\n')[0]}): give a YAML or JSON file.`,
    )
  }
  if (!isMapping(parsed)) {
    throw new BenchError(
      'SCENARIO',
      `The scenario ${path} is not a list of options with their values, such as "rate: 5000": see examples/scenarios.`,
    )
  }
  return parsed
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{postgres: {fsync: 'off'}}`, and `{postgres.fsync: 'off'}`, is `postgres.fsync=off`. */
function settingTexts(mapping: Mapping): string[] {
  return Object.entries(mapping).flatMap(([name, value]) =>
    isMapping(value)
      ? Object.entries(value).map(([setting, text]) => `${name}.${setting}=${String(text)}`)
      : [`${name}=${String(value)}`],
  )
}

/** YAML reads an unquoted `a>b: 90ms` as a mapping; one that names its ends as `from` and `to` is left as it is. */
function linkTexts(mapping: Mapping): unknown[] {
  return 'from' in mapping || 'to' in mapping
    ? [mapping]
    : Object.entries(mapping).map(([link, value]) => `${link}: ${String(value)}`)
}

function listOf(name: string, value: unknown): readonly unknown[] {
  const values: readonly unknown[] = Array.isArray(value) ? (value as unknown[]) : [value]
  return values.flatMap((one) =>
    !isMapping(one) ? [one] : name === 'link' ? linkTexts(one) : name === 'fault' ? [one] : settingTexts(one),
  )
}

function merged(file: Mapping, typed: Mapping): Mapping {
  const lists = LISTS.filter((name) => file[name] !== undefined).map((name) => [
    name,
    [...listOf(name, file[name]), ...(typed[name] === undefined ? [] : listOf(name, typed[name]))],
  ])
  return { ...file, ...typed, ...(Object.fromEntries(lists) as Mapping) }
}

/** The scenario of the options typed, and of the file that `scenario` among them names. Throws USAGE or SCENARIO. */
export function scenarioFrom(options: Mapping): Scenario {
  const { scenario: path, ...typed } = options
  if (typeof path !== 'string') return parseScenario(typed)
  const file = readScenarioFile(path)
  try {
    return parseScenario(merged(file, typed))
  } catch (error) {
    // What is wrong without the file too is not the file's fault.
    parseScenario(typed)
    if (!(error instanceof BenchError)) throw error
    throw new BenchError('SCENARIO', `The scenario ${path} cannot be run: ${error.message}`)
  }
}
