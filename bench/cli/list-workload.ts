// One workload in full: its table, what the options mean for it, and a chart of how its operations spread over its keys.
import pc from 'picocolors'
import type { Column } from '../contract/table.ts'
import type { Workload, WorkloadOptions } from '../contract/workload.ts'
import { percentText, wholeText } from '../report/figures.ts'
import { wrapText } from '../report/wrap.ts'
import { keySkew, type KeySkew, type SkewPlan } from './key-skew.ts'

const WIDTH = 110
const BAR_CELLS = 40
const KEY_BYTES = 8
const EIGHTHS = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

interface RowBytes {
  readonly least: number
  readonly mean: number
  readonly most: number
}

/** Bytes of a row's key and values, without the harness's dot and version. Lengths are drawn evenly. */
export function rowBytes(columns: readonly Column[]): RowBytes {
  const sum = (of: (column: Column & { readonly type: 'text' }) => number) =>
    columns.reduce((bytes, column) => bytes + (column.type === 'text' ? of(column) : 4), KEY_BYTES)
  return {
    least: sum((column) => column.minBytes),
    mean: sum((column) => (column.minBytes + column.maxBytes) / 2),
    most: sum((column) => column.maxBytes),
  }
}

/** A bar of `share` of the cells, to an eighth of one. */
export function bar(share: number): string {
  const eighths = Math.round(share * BAR_CELLS * 8)
  const rest = EIGHTHS[eighths % 8].trim()
  return `${'█'.repeat(Math.floor(eighths / 8))}${rest}`.padEnd(BAR_CELLS)
}

function columnText(column: Column): string {
  return column.type === 'text'
    ? `${column.name}  text, ${column.minBytes} to ${column.maxBytes} bytes`
    : `${column.name}  int, 4 bytes, ${wholeText(column.min)} to ${wholeText(column.max)}${column.counter === true ? ', a counter: increments add to it' : ''}`
}

/** What is asked of a store and of its rows, in one line. */
function doingText({ appends, increments, canDelete, takesTurns }: Workload): string {
  if (appends) return 'appended to: every operation inserts a new key'
  const turns = takesTurns === undefined ? '' : ', each DC only when its turn has come'
  if (increments === true) return `every operation increments a row that is there${turns}: for systems that can`
  return `operations also write rows that are there${canDelete === true ? ', and delete them where --deletes says so' : ''}${turns}`
}

function* skewLines(skew: KeySkew, takeTurns: boolean): Generator<string> {
  const { operationsEachDc, seed, shared } = skew
  yield `${pc.bold('Keys')} in the first ${wholeText(operationsEachDc)} operations of each DC, seed ${seed}`
  if (skew.dcs.every((dc) => dc.keys === operationsEachDc)) {
    yield '  No DC writes a key twice.'
  } else {
    for (const { dc, keys, top } of skew.dcs) {
      yield `  ${dc}: ${wholeText(keys)} keys, busiest first, and the operations on them`
      const digits = wholeText(keys).length
      for (const { keys: busiest, share } of top) {
        yield `    ${wholeText(busiest).padStart(digits)}  ${pc.cyan(bar(share))} ${share === 1 ? '100 %' : percentText(share)}`
      }
    }
  }
  yield shared.keys === 0
    ? '  No key is written by several DCs: nothing can conflict.'
    : `  Written by several DCs, ${takeTurns ? 'but in turns' : 'and so able to conflict'}: ${wholeText(shared.keys)} of ${wholeText(skew.keys)} keys (${percentText(shared.keyShare)}), with ${percentText(shared.operationShare)} of the operations`
}

/** The lines of `list <workload>`. */
export function* workloadLines(workload: Workload, plan: SkewPlan): Generator<string> {
  const { options } = plan
  const table = workload.table(options)
  const bytes = rowBytes(table.columns)
  yield `${pc.bold(workload.name)}  ${workload.summary}`
  yield* wrapText(workload.meaning, WIDTH, '  ')
  yield ''
  yield `${pc.bold('Table')} ${table.name}, ${wholeText(table.rows)} rows loaded`
  yield '  key, dot, version  8 bytes each; dot and version are the harness’s'
  for (const column of table.columns) yield `  ${columnText(column)}`
  yield `  a row: ${wholeText(bytes.least)} to ${wholeText(bytes.most)} bytes of key and values, ${wholeText(bytes.mean)} on average`
  yield `  ${doingText(workload)}`
  yield ''
  yield pc.bold('Options')
  for (const name of Object.keys(options) as (keyof WorkloadOptions)[]) {
    const isDefault = options[name] === workload.defaults[name]
    yield* wrapText(
      `--${name}=${options[name]}${isDefault ? '' : ` (default ${workload.defaults[name]})`}: ${workload.optionMeanings[name]}`,
      WIDTH,
      '  ',
    )
  }
  yield ''
  yield* skewLines(keySkew(workload, plan), workload.takesTurns !== undefined)
}

/** The same as data. */
export function workloadJson(workload: Workload, plan: SkewPlan): object {
  const { name, summary, meaning, defaults, appends, optionMeanings } = workload
  const { increments = false, canDelete = false, takesTurns } = workload
  const table = workload.table(plan.options)
  return {
    name,
    summary,
    meaning,
    appends,
    increments,
    canDelete,
    takesTurns: takesTurns !== undefined,
    defaults,
    optionMeanings,
    options: plan.options,
    table: table.name,
    rows: table.rows,
    columns: table.columns,
    rowBytes: rowBytes(table.columns),
    keySkew: keySkew(workload, plan),
  }
}
