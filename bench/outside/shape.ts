// What a driver or workload from outside must have: found by its shape among a module's exports, then checked member by member.
import { z } from 'zod'
import type { Driver } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Workload } from '../contract/workload.ts'

export type OutsideKind = 'driver' | 'workload'

const name = z.string('a text').regex(/^[a-z][a-z0-9-]{0,40}$/, 'lower-case letters, digits and dashes')
const text = z.string('a text').min(1, 'a text')
const whole = (least: number, most: number) =>
  z.int(`a whole number from ${least} to ${most}`).min(least, `at least ${least}`).max(most, `at most ${most}`)
const share = z.number('a number').min(0, 'at least 0')
const truth = z.boolean('true or false')
const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, `one of ${values.join(', ')}`)
const onlyTrue = z.literal(true, 'true, or left out').optional()
const method = z.custom((value) => typeof value === 'function', 'a function')
const list = <T extends z.ZodType>(item: T) => z.array(item, 'a list')
const record = <T extends z.core.$ZodLooseShape>(shape: T) => z.looseObject(shape, 'an object')

export const driverShape = record({
  name,
  summary: text,
  replications: list(
    record({
      name,
      meaning: text,
      capabilities: record({
        conflicts: oneOf('none', 'last-write-wins', 'version-vector', 'merge', 'diverges'),
        acknowledges: oneOf('local', 'quorum', 'all'),
        ordered: truth,
        transactions: truth,
        readable: truth,
        vectors: onlyTrue,
        increments: onlyTrue,
        blindWrites: onlyTrue,
      }),
      waits: method.optional(),
    }),
  ).min(1, 'a list of at least one'),
  modes: list(
    record({ name, meaning: text, batchRows: whole(1, 4096), inFlight: whole(1, 4096), writers: whole(1, 256) }),
  ).min(1, 'a list of at least one'),
  settings: list(
    record({
      name: z.string('a text').regex(/^[\w.-]+$/, 'letters, digits, dots and dashes'),
      meaning: text,
      type: oneOf('text', 'boolean', 'number'),
      default: z.string('a text'),
    }),
  ),
  warmsUp: onlyTrue,
  missing: method,
  services: method,
  open: method,
  admin: method,
  bytesPerRow: method,
})

const workloadShape = record({
  name,
  summary: text,
  meaning: text,
  optionMeanings: record({ rows: text, overlap: text, skew: text, distribution: text, deletes: text }),
  appends: truth,
  defaults: record({
    rows: whole(1, 1e11),
    overlap: share.max(1, 'at most 1'),
    skew: share.max(5, 'at most 5'),
    distribution: oneOf('zipfian', 'uniform', 'hotspot', 'latest', 'sequential'),
    deletes: share.max(1, 'at most 1'),
  }),
  increments: onlyTrue,
  canDelete: onlyTrue,
  takesTurns: method.optional(),
  table: method,
  stream: method,
})

const column = z.string('a text').regex(/^[a-z][a-z0-9_]{0,40}$/, 'lower-case letters, digits and underlines')

export const tableShape = record({
  name: column,
  rows: whole(1, 1e11),
  columns: list(
    z.discriminatedUnion(
      'type',
      [
        record({ name: column, type: z.literal('text'), minBytes: whole(0, 65_535), maxBytes: whole(0, 65_535) }),
        record({
          name: column,
          type: z.literal('int'),
          min: whole(-(2 ** 31), 2 ** 31 - 1),
          max: whole(-(2 ** 31), 2 ** 31 - 1),
          counter: onlyTrue,
        }),
      ],
      'a column of type text or int',
    ),
  ),
})

const SHAPE = { driver: driverShape, workload: workloadShape } as const
/** An export that has at least two of these is meant to be one. */
const TELLTALES: Readonly<Record<OutsideKind, readonly string[]>> = {
  driver: ['replications', 'services', 'open', 'admin', 'bytesPerRow'],
  workload: ['stream', 'table', 'defaults', 'appends', 'optionMeanings'],
}
const CONTRACT: Readonly<Record<OutsideKind, string>> = {
  driver: 'Driver of geowrite/contract',
  workload: 'Workload of geowrite/contract',
}

function isMeantAs(kind: OutsideKind, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return TELLTALES[kind].filter((member) => member in value).length >= 2
}

/** What a module is about when either would do. */
export function kindOf(exports: Readonly<Record<string, unknown>>): OutsideKind {
  return Object.values(exports).some((value) => isMeantAs('workload', value)) ? 'workload' : 'driver'
}

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value)
}

/** Throws USAGE with one sentence for the first member that is missing or wrong. */
export function checkShape(shape: z.ZodType, value: unknown, whose: string, contract: string): void {
  const checked = shape.safeParse(value)
  if (checked.success) return
  const [{ path, message }] = checked.error.issues
  const member = path.map(String).join('.')
  const wrong = memberAt(value, path) === undefined ? `has no ${member}` : `has a wrong ${member}`
  throw new BenchError('USAGE', `${whose} ${wrong}: it must be ${message}; see ${contract}.`)
}

/** The name of the one export that is a driver or workload. Throws USAGE when there is none, or several, or it is not complete. */
export function findExport(kind: OutsideKind, file: string, exports: Readonly<Record<string, unknown>>): string {
  const meant = Object.entries(exports).filter(([, value]) => isMeantAs(kind, value))
  const different = [...new Map(meant.map(([exportName, value]) => [value, exportName])).values()]
  if (different.length === 0) {
    const other = kind === 'driver' ? 'workload' : 'driver'
    const isOther = Object.values(exports).some((value) => isMeantAs(other, value))
    throw new BenchError(
      'USAGE',
      `${file} exports no ${kind}${isOther ? `, but a ${other}: give it as --${other}=${file}` : `: export one object that is a ${CONTRACT[kind]}`}.`,
    )
  }
  if (different.length > 1) {
    throw new BenchError(
      'USAGE',
      `${file} exports ${different.length} ${kind}s (${different.join(', ')}): a module may export just one, so put each into a module of its own.`,
    )
  }
  const [exportName] = different
  checkShape(SHAPE[kind], exports[exportName], `The ${kind} ${exportName} of ${file}`, `the type ${CONTRACT[kind]}`)
  return exportName
}

/** The checked export itself. */
export function exportOf<K extends OutsideKind>(
  exports: Readonly<Record<string, unknown>>,
  exportName: string,
): K extends 'driver' ? Driver : Workload {
  return exports[exportName] as K extends 'driver' ? Driver : Workload
}
