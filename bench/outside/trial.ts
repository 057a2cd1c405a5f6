// A workload from outside, tried before it is believed: its table, and that its streams are what the contract asks for.
import { BenchError, messageOf } from '../contract/errors.ts'
import { OPERATION, OPERATION_NAMES } from '../contract/table.ts'
import type { StreamPlan, Workload } from '../contract/workload.ts'
import { PHASE } from '../lib/dot.ts'
import { checkShape, tableShape } from './shape.ts'

const OPERATIONS = 1000
/** A length that shares no factor with the whole: chunks end within whatever the stream makes in one go. */
const CHUNK = 7
const HARNESS_COLUMNS = ['key', 'dot', 'version']

/** Operations that a workload must have said that it does, and the member that says so. */
const SAID_BY: Readonly<Record<number, (workload: Workload) => readonly [isSaid: boolean, member: string]>> = {
  [OPERATION.increment]: (workload) => [workload.increments === true, 'increments'],
  [OPERATION.delete]: (workload) => [workload.canDelete === true, 'canDelete'],
}

interface Drawn {
  readonly keys: Float64Array
  readonly operations: Uint8Array
}

function draw(workload: Workload, plan: StreamPlan, chunk: number): Drawn {
  const stream = workload.stream(plan)
  const keys = new Float64Array(OPERATIONS).fill(-1)
  const operations = new Uint8Array(OPERATIONS)
  for (let at = 0; at < OPERATIONS; at += chunk) {
    const count = Math.min(chunk, OPERATIONS - at)
    stream.next(count, keys.subarray(at, at + count), operations.subarray(at, at + count))
  }
  return { keys, operations }
}

function same({ keys, operations }: Drawn, other: Drawn): boolean {
  return (
    keys.every((key, i) => key === other.keys[i]) &&
    operations.every((operation, i) => operation === other.operations[i])
  )
}

function checkTable(workload: Workload, whose: string): void {
  const table = workload.table(workload.defaults)
  checkShape(tableShape, table, `The table of ${whose}`, 'the type Table of geowrite/contract')
  const names = [...HARNESS_COLUMNS, ...table.columns.map((column) => column.name)]
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    const why = HARNESS_COLUMNS.includes(twice) ? 'which is one of the harness’s own' : 'twice'
    throw new BenchError('USAGE', `The table of ${whose} has a column ${twice}, ${why}: give it another name.`)
  }
  const upsideDown = table.columns.find((column) =>
    column.type === 'int' ? column.min > column.max : column.minBytes > column.maxBytes,
  )
  if (upsideDown !== undefined) {
    throw new BenchError('USAGE', `The column ${upsideDown.name} of ${whose} has a least value above its greatest.`)
  }
  if (workload.increments === true && !table.columns.some((one) => one.type === 'int' && one.counter === true)) {
    throw new BenchError(
      'USAGE',
      `The table of ${whose} has no counter column, but the workload says that it increments.`,
    )
  }
  if (table.rows !== workload.defaults.rows) {
    throw new BenchError(
      'USAGE',
      `The table of ${whose} has ${table.rows} rows where the option rows says ${workload.defaults.rows}.`,
    )
  }
}

function checkOperations({ keys, operations }: Drawn, workload: Workload, whose: string): void {
  for (let i = 0; i < OPERATIONS; i++) {
    if (!Number.isSafeInteger(keys[i]) || keys[i] < 0) {
      throw new BenchError(
        'USAGE',
        `The stream of ${whose} gave the key ${keys[i]}: keys are whole numbers from 0 to 2^53 − 1.`,
      )
    }
    if (OPERATION_NAMES[operations[i]] === undefined) {
      throw new BenchError(
        'USAGE',
        `The stream of ${whose} gave the operation ${operations[i]}: OPERATION of geowrite/contract has those that exist.`,
      )
    }
    const [isSaid, flag] = SAID_BY[operations[i]]?.(workload) ?? [true, '']
    if (!isSaid) {
      throw new BenchError(
        'USAGE',
        `The stream of ${whose} gave ${OPERATION_NAMES[operations[i]]}, of which the workload says nothing: give it ${flag}: true.`,
      )
    }
    if (workload.appends && (operations[i] !== OPERATION.insert || keys[i] < workload.defaults.rows)) {
      throw new BenchError(
        'USAGE',
        `The stream of ${whose} gave ${OPERATION_NAMES[operations[i]]} of key ${keys[i]}, but the workload says that it appends: it may then only insert keys above the ${workload.defaults.rows} loaded rows.`,
      )
    }
  }
}

function checkStreams(workload: Workload, whose: string): void {
  const plan = (dcIndex: number): StreamPlan => ({
    options: workload.defaults,
    seed: 1,
    dcIndex,
    dcCount: 2,
    phase: PHASE.measure,
  })
  const drawn = [0, 1].map((dcIndex) => draw(workload, plan(dcIndex), OPERATIONS))
  for (const operations of drawn) checkOperations(operations, workload, whose)
  if (!same(drawn[0], draw(workload, plan(0), OPERATIONS))) {
    throw new BenchError(
      'USAGE',
      `The stream of ${whose} gave other operations for the same plan: draw from the plan’s seed only.`,
    )
  }
  if (!same(drawn[0], draw(workload, plan(0), CHUNK))) {
    throw new BenchError(
      'USAGE',
      `The stream of ${whose} gave other operations when asked for few at a time: keep its place between two calls of next.`,
    )
  }
  const keys = new Set(drawn.flatMap((operations) => [...operations.keys]))
  if (workload.appends && keys.size < 2 * OPERATIONS) {
    throw new BenchError(
      'USAGE',
      `The streams of ${whose} gave a key twice, but the workload says that it appends: make the DC and the phase part of the key.`,
    )
  }
}

/** Throws USAGE with one sentence for the first thing that is wrong with it. */
export function tryWorkload(workload: Workload, file: string): void {
  const whose = `the workload ${workload.name} (${file})`
  try {
    checkTable(workload, whose)
    checkStreams(workload, whose)
  } catch (error) {
    if (error instanceof BenchError) throw error
    throw new BenchError('USAGE', `${file} failed when its workload was tried: ${messageOf(error)}.`, { cause: error })
  }
}
