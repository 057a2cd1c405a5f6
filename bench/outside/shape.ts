// What a driver or workload from outside must have: found by its shape among a module's exports, then checked member by member.
import { z } from 'zod'
import type { Driver } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Workload } from '../contract/workload.ts'
import { wrongIn } from './wrong-member.ts'

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
/** A list of at least `least`, each of which has a name of its own. */
const named = <T extends z.ZodType<{ readonly name: string }>>(item: T, least: 0 | 1) =>
  list(item)
    .min(least, 'a list of at least one')
    .superRefine((all, context) => {
      const names = all.map((one) => one.name)
      const twice = names.find((one, i) => names.indexOf(one) !== i)
      const message = `a list in which no name comes twice, as “${twice}” does`
      if (twice !== undefined) context.addIssue({ code: 'custom', message })
    })
const FITS: Readonly<Record<'text' | 'boolean' | 'number', (value: string) => boolean>> = {
  text: () => true,
  boolean: (value) => value === 'true' || value === 'false',
  number: (value) => Number.isFinite(Number(value.trim() || 'x')),
}

export const driverShape = record({
  name,
  summary: text,
  replications: named(
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
    1,
  ),
  modes: named(
    record({
      name,
      meaning: text,
      batchRows: whole(1, 4096),
      inFlight: whole(1, 4096),
      writers: whole(1, 256),
      appendsOnly: onlyTrue,
      notFor: list(text).optional(),
    }),
    1,
  ),
  settings: named(
    record({
      name: z.string('a text').regex(/^[\w.-]+$/, 'letters, digits, dots and dashes'),
      meaning: text,
      type: oneOf('text', 'boolean', 'number'),
      default: z.string('a text'),
    }).refine((one) => FITS[one.type](one.default), {
      error: 'a text that is a value of its type',
      path: ['default'],
    }),
    0,
  ),
  warmsUp: onlyTrue,
  provisions: method.optional(),
  external: z
    .union([record({ ports: list(text), settings: list(text), user: text }), record({ cannot: text })])
    .optional(),
  needs: method.optional(),
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
  driver: ['replications', 'modes', 'missing', 'services', 'open', 'admin', 'bytesPerRow'],
  workload: ['stream', 'table', 'defaults', 'appends', 'optionMeanings'],
}
const CONTRACT: Readonly<Record<OutsideKind, string>> = {
  driver: 'Driver of geowrite/contract',
  workload: 'Workload of geowrite/contract',
}

function membersOf(kind: OutsideKind, value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return TELLTALES[kind].filter((member) => member in value).length
}

function isMeantAs(kind: OutsideKind, value: unknown): boolean {
  return membersOf(kind, value) >= 2
}

/** What a module is about when either would do. */
export function kindOf(exports: Readonly<Record<string, unknown>>): OutsideKind {
  return Object.values(exports).some((value) => isMeantAs('workload', value)) ? 'workload' : 'driver'
}

/** Throws USAGE with one sentence for the members that are missing, or the first that is wrong. */
export function checkShape(shape: z.ZodType, value: unknown, whose: string, contract: string): void {
  const wrong = wrongIn(shape, value)
  if (wrong !== undefined) throw new BenchError('USAGE', `${whose} ${wrong}; see ${contract}.`)
}

/** What a module exports that may have been meant, though it is no object that could be one. */
function nearMiss(kind: OutsideKind, exports: Readonly<Record<string, unknown>>): string {
  for (const [exportName, value] of Object.entries(exports)) {
    if (value instanceof Promise) return `, but ${exportName} is a promise: await it in the module`
    if (typeof value !== 'function') continue
    const isClass = /^class\b/.test(Function.prototype.toString.call(value))
    return `, but ${exportName} is a ${isClass ? 'class' : 'function'}: export what ${isClass ? `new ${exportName}()` : `${exportName}()`} gives, one object that is a ${CONTRACT[kind]}`
  }
  const partial = Object.entries(exports).find(([, value]) => membersOf(kind, value) > 0)
  return partial === undefined
    ? `: export one object that is a ${CONTRACT[kind]}`
    : `, and ${partial[0]} has next to nothing of one: export one object that is a ${CONTRACT[kind]}`
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
      `${file} exports no ${kind}${isOther ? `, but a ${other}: give it as --${other}=${file}` : nearMiss(kind, exports)}.`,
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
