// What the methods of a driver or workload from outside have to give back, checked as it comes: what breaks the contract is told at
// once, and not as the error that it would lead to in the harness.
import { z } from 'zod'
import { BenchError } from '../contract/errors.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { wrongIn } from './wrong-member.ts'

const text = z.string('a text')
const number = z.number('a number')
const count = number.min(0, 'at least 0')
const callable = z.custom((value) => typeof value === 'function', 'a function')
const list = <T extends z.ZodType>(item: T) => z.array(item, 'a list')
const record = <T extends z.core.$ZodLooseShape>(shape: T) => z.looseObject(shape, 'an object')
const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), value, 'an object')
const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, `one of ${values.join(', ')}`)
const numbers = z.instanceof(Float64Array, { error: 'a Float64Array' })
const sums = z.instanceof(BigUint64Array, { error: 'a BigUint64Array' })

const service = record({
  name: text,
  dc: text,
  role: oneOf('store', 'replication', 'link'),
  stage: oneOf('deploy', 'replicate'),
  ports: list(text),
  reaches: list(record({ dc: text, port: text })),
  files: callable,
  setup: callable,
  command: callable,
  ready: z.discriminatedUnion(
    'type',
    [record({ type: z.literal('line'), starts: text }), record({ type: z.literal('port'), port: text })],
    'a check of type line or port',
  ),
  readyTimeoutMs: count,
  stopSignal: oneOf('SIGTERM', 'SIGINT', 'SIGQUIT'),
  stopTimeoutMs: count,
  unprivileged: z.boolean('true or false'),
  watchesParent: z.boolean('true or false'),
})

const admin = record({
  describe: callable,
  prepare: callable,
  load: callable,
  replicate: callable,
  backlog: callable,
  digest: callable,
  rows: callable,
  counters: callable,
  flush: callable,
  remove: callable.optional(),
})

interface Answer {
  readonly shape: z.ZodType
  /** The type of geowrite/contract that says what it must be. */
  readonly contract: string
  /** It has to have the method that closes it, whose name is a symbol. */
  readonly closes?: true
}

function wrongWithClosing(answer: unknown): string | undefined {
  const { [Symbol.asyncDispose]: closing } = (answer ?? {}) as Partial<AsyncDisposable>
  return typeof closing === 'function' ? undefined : 'has no [Symbol.asyncDispose] (it must be a function)'
}

/** By method. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  missing: { shape: text.optional(), contract: 'Driver' },
  bytesPerRow: { shape: count, contract: 'Driver' },
  needs: { shape: record({ diskBytes: count, memoryBytes: count }), contract: 'Needs' },
  provisions: { shape: list(record({})), contract: 'Provision' },
  services: { shape: list(service), contract: 'Service' },
  open: { shape: record({ write: callable, read: callable }), contract: 'Session', closes: true },
  admin: { shape: admin, contract: 'Admin', closes: true },
  describe: {
    shape: record({ version: text, durability: text, settings: byName(text) }),
    contract: 'StoreDescription',
  },
  backlog: {
    shape: list(record({ from: text, to: text, amount: number, unit: oneOf('bytes', 'rows') })),
    contract: 'Backlog',
  },
  digest: {
    shape: record({ startedUs: number, endedUs: number, counts: numbers, sums, xors: sums }),
    contract: 'Digest',
  },
  rows: {
    shape: record({
      count,
      keys: numbers,
      dots: numbers,
      versions: numbers,
      contents: z.custom(Array.isArray, 'a list'),
    }),
    contract: 'RowStates',
  },
  counters: {
    shape: record({ conflictsReported: record({ count: number, meaning: text }).nullable(), own: byName(number) }),
    contract: 'Counters',
  },
  stream: { shape: record({ next: callable }), contract: 'OperationStream' },
  write: {
    shape: record({ outcome: z.literal([OUTCOME.ok, OUTCOME.fail, OUTCOME.info], 'one of OUTCOME') }),
    contract: 'WriteResult',
  },
  read: { shape: record({ dots: numbers, versions: numbers }), contract: 'RowVersions' },
}

/** Throws STORE with one sentence when that is no answer to `method`; a method of which nothing is known may answer as it likes. */
export function checkAnswer(file: string, method: string, answer: unknown): void {
  if (!Object.hasOwn(ANSWERS, method)) return
  const { shape, contract, closes } = ANSWERS[method]
  const wrong = wrongIn(shape, answer) ?? (closes === true ? wrongWithClosing(answer) : undefined)
  if (wrong === undefined) return
  throw new BenchError(
    'STORE',
    `${file} gave from its ${method}() what ${wrong}; see the type ${contract} of geowrite/contract.`,
  )
}
