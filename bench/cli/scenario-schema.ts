// The options of a run: one closed schema for the command line and for scenario files.
import { z } from 'zod'
import { BenchError } from '../contract/errors.ts'
import { DC_COUNT_MAX } from '../contract/topology.ts'
import type { RateAsked, Scenario } from '../contract/scenario.ts'
import { suggestion } from '../lib/nearest.ts'
import { clockSkewOf } from './clock-option.ts'
import { refuseMisplaced } from './deployment-options.ts'
import { faultsOf } from './fault-option.ts'
import { imagesOf } from './image-option.ts'
import { bandwidthOf, DELAY_MS_MAX, linksOf, type LinkGiven } from './links-option.ts'
import { durationMs, sizeBytes, wholeNumber } from './units.ts'

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String)

/** Parses with one of the unit readers, or says what was expected. */
function read<T>(reader: (text: string) => T | undefined, expected: string) {
  return text.transform((value, context) => {
    const parsed = reader(value)
    if (parsed !== undefined) return parsed
    context.addIssue({ code: 'custom', message: `"${value}" is not ${expected}` })
    return z.NEVER
  })
}

const duration = (least: number, most: number, example: string) =>
  read(durationMs, `a duration with its unit, such as ${example}`).refine(
    (ms) => ms >= least && ms <= most,
    `must be between ${least} and ${most} ms`,
  )
const whole = (least: number, most: number) =>
  read(wholeNumber, 'a whole number').refine((n) => n >= least && n <= most, `must be between ${least} and ${most}`)
const share = read((value) => (/^\d*\.?\d+(?:e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : undefined), 'a number')
const words = z
  .union([z.string(), z.array(z.string())])
  .transform((value) =>
    (typeof value === 'string' ? value.split(',') : value).map((word) => word.trim()).filter((word) => word !== ''),
  )

function rateOf(value: string): RateAsked | undefined {
  if (value === 'auto' || value === 'auto-each' || value === 'max') return { kind: value }
  const rowsPerSecond = wholeNumber(value)
  return rowsPerSecond === undefined || rowsPerSecond < 1 || rowsPerSecond > 1e8
    ? undefined
    : { kind: 'fixed', rowsPerSecond }
}

function portsOf(value: string): Scenario['ports'] | undefined {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(value.trim())
  if (match === null) return undefined
  const [first, last] = [Number(match[1]), Number(match[2])]
  return first >= 1024 && last <= 65535 && first <= last ? { first, last } : undefined
}

/** Less than any program of ours starts in. */
const MEMORY_BYTES_MIN = 16 * 1024 ** 2

const DC_NAME = /^[a-z][a-z0-9-]{0,30}$/

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')])

const schema = z.strictObject({
  workload: text.default('profiles'),
  driver: words.refine((list) => list.length > 0, 'names no driver').default(['postgres', 'lsm']),
  replication: words.default([]),
  mode: words.default([]),
  rows: whole(1, 1e11).optional(),
  overlap: share.refine((n) => n >= 0 && n <= 1, 'must be between 0 and 1').optional(),
  skew: share.refine((n) => n >= 0 && n <= 5, 'must be between 0 and 5').optional(),
  distribution: z.enum(['zipfian', 'uniform', 'hotspot', 'latest', 'sequential']).optional(),
  deletes: share.refine((n) => n >= 0 && n <= 1, 'must be between 0 and 1').optional(),
  causality: z.enum(['bounds', 'exact']).default('bounds'),
  'skew-clock': z.union([z.string().transform((value) => [value]), z.array(z.string())]).default([]),
  'export-ledger': z.enum(['parquet', 'csv']).optional(),
  rate: read(rateOf, 'auto, auto-each, max or a number of rows/s').default({ kind: 'auto' }),
  arrivals: z.enum(['poisson', 'constant']).default('poisson'),
  duration: duration(1000, 86_400_000, '20s').optional(),
  warmup: read(
    (value) => (value === 'steady' ? value : durationMs(value)),
    '"steady" or a duration with its unit, such as 3s',
  )
    .refine((ms) => ms === 'steady' || (ms >= 0 && ms <= 3_600_000), 'must be between 0 and 3600000 ms')
    .optional(),
  dcs: words
    .refine((list) => list.length >= 2 && list.length <= DC_COUNT_MAX, `needs 2 to ${DC_COUNT_MAX} names`)
    .refine((list) => new Set(list).size === list.length, 'names a DC twice')
    .refine((list) => list.every((name) => DC_NAME.test(name)), 'needs names of lower-case letters, digits and dashes')
    .default(['us-east', 'eu-west']),
  delay: duration(0, DELAY_MS_MAX, '40ms').default(40),
  jitter: duration(0, DELAY_MS_MAX, '2ms').default(0),
  bandwidth: read(bandwidthOf, 'a bandwidth of at least 1KB/s such as 50MB/s or 400Mbit/s, or unlimited').default(null),
  link: z
    .union([
      z.string().transform((value): LinkGiven[] => [value]),
      z.array(z.union([z.string(), z.record(z.string(), z.unknown())])),
    ])
    .default([]),
  seed: whole(0, 4294967295).default(1),
  batch: whole(1, 4096).optional(),
  linger: duration(0, 10_000, '5ms').optional(),
  writers: whole(1, 256).optional(),
  workers: whole(1, 64).default(1),
  timeout: duration(10, 600_000, '10s').default(10_000),
  'drain-timeout': duration(1000, 3_600_000, '60s').default(60_000),
  probes: read(
    (value) => (value === 'all' ? 'all' : wholeNumber(value)),
    '"all" or a number of probes a second',
  ).default(400),
  repeat: whole(1, 100).default(1),
  quick: flag.default(false),
  fault: z.union([z.string().transform((value) => [value]), z.array(z.string())]).default([]),
  deployment: z.enum(['local', 'docker', 'external']).default('local'),
  image: z.union([z.string().transform((value) => [value]), z.array(z.string())]).default([]),
  'container-cpus': share.refine((n) => n >= 0.01 && n <= 1024, 'must be between 0.01 and 1024').optional(),
  'container-memory': read(sizeBytes, 'a size with its unit, such as 4GiB')
    .refine((bytes) => bytes >= MEMORY_BYTES_MIN, 'must be at least 16MiB')
    .optional(),
  endpoints: text.optional(),
  'replace-existing': flag.optional(),
  'keep-tables': flag.optional(),
  set: z.union([z.string().transform((value) => [value]), z.array(z.string())]).default([]),
  out: text.default('results'),
  data: text.optional(),
  ports: read(portsOf, 'a range of ports such as 15000-32000').default({ first: 15000, last: 32000 }),
  'ledger-limit': read(sizeBytes, 'a size with its unit, such as 4GiB').default(4 * 1024 ** 3),
})

/** The names of all options, for suggestions. */
const OPTION_NAMES: readonly string[] = Object.keys(schema.shape)

function settingsOf(pairs: readonly string[]): Scenario['settings'] {
  const settings: Record<string, Record<string, string>> = {}
  for (const pair of pairs) {
    const match = /^([a-z][\w-]*)\.([\w.-]+)=(.*)$/s.exec(pair)
    if (match === null) {
      throw new BenchError(
        'USAGE',
        `--set ${pair} is not <driver>.<name>=<value>; for example --set postgres.synchronous_commit=off.`,
      )
    }
    const [, driver, name, value] = match
    settings[driver] = { ...settings[driver], [name]: value }
  }
  return settings
}

/** Turns raw options into a scenario. Throws USAGE with one sentence for the first thing that is wrong. */
export function parseScenario(raw: Readonly<Record<string, unknown>>): Scenario {
  const parsed = schema.safeParse(raw)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    if (issue.code === 'unrecognized_keys') {
      const [key] = issue.keys
      throw new BenchError('USAGE', `There is no option ${key}: ${suggestion(key, OPTION_NAMES)}`)
    }
    const option = String(issue.path[0])
    const said = raw[option]
    if (issue.code === 'invalid_value') {
      const values = issue.values.map(String)
      throw new BenchError('USAGE', `--${option} ${String(said)} is not known: ${suggestion(String(said), values)}`)
    }
    // The library's own words are for programmers; ours are those of custom issues.
    const what = issue.code === 'custom' ? issue.message : `cannot be ${JSON.stringify(said)}`
    throw new BenchError('USAGE', `--${option} ${what}; see --help for examples.`)
  }
  const o = parsed.data
  refuseMisplaced(raw, o.deployment)
  const phaseMs = o.duration ?? (o.quick ? 5000 : 20_000)
  return {
    workload: o.workload,
    drivers: o.driver,
    replications: o.replication,
    modes: o.mode,
    rows: o.rows,
    overlap: o.overlap,
    skew: o.skew,
    distribution: o.distribution,
    deletes: o.deletes,
    causality: o.causality,
    clockSkewMs: clockSkewOf(o['skew-clock'], o.dcs),
    exportLedger: o['export-ledger'],
    rate: o.rate,
    arrivals: o.arrivals,
    durationMs: phaseMs,
    warmup: o.warmup,
    dcs: o.dcs,
    delayMs: o.delay,
    jitterMs: o.jitter,
    bandwidthBytesPerSecond: o.bandwidth,
    links: linksOf(o.link, o.dcs),
    seed: o.seed,
    batchRows: o.batch,
    lingerMs: o.linger,
    writers: o.writers,
    workers: o.workers,
    timeoutMs: o.timeout,
    drainTimeoutMs: o['drain-timeout'],
    probesPerSecond: o.probes,
    repeat: o.repeat,
    quick: o.quick,
    faults: faultsOf(o.fault, o.dcs, phaseMs),
    deployment: o.deployment,
    containers: {
      images: imagesOf(o.image),
      cpus: o['container-cpus'],
      memoryBytes: o['container-memory'] === undefined ? undefined : Math.round(o['container-memory']),
    },
    endpoints: o.endpoints,
    replaceExisting: o['replace-existing'] ?? false,
    keepTables: o['keep-tables'] ?? false,
    settings: settingsOf(o.set),
    out: o.out,
    data: o.data,
    ports: o.ports,
    ledgerLimitBytes: o['ledger-limit'],
  }
}
