// Tables with a counter: what was added by every increment of the run, what was loaded, and what each DC holds at the end.
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION, type Column } from '../contract/table.ts'
import { ContentMaker } from '../lib/content.ts'
import { loadedDot } from '../lib/dot.ts'
import { WRITE_FLAG } from '../lib/ledger-format.ts'
import type { DotTable } from './dot-table.ts'
import type { LedgerPart } from './ledger-part.ts'
import type { RunData } from './load.ts'
import type { Partition } from './partition.ts'

/** Over the keys that were only ever incremented, in all phases; sums of the counter columns. */
export interface CounterSums {
  /** Increments without a known outcome left out. */
  increments: number
  acknowledged: number
  /** By their signs, since each of them may have happened or not. */
  unknownAdding: number
  unknownTaking: number
  loaded: number
  /** By DC; null where it has no sums of its final rows. */
  readonly held: (number | null)[]
  /** Keys that the DCs hold different sums of, and keys left out because they were also set or deleted. */
  unequalKeys: number
  leftOutKeys: number
}

export function hasCounter(columns: readonly Column[]): boolean {
  return columns.some((column) => column.type === 'int' && column.counter === true)
}

export function newCounterSums(run: RunData): CounterSums {
  return {
    increments: 0,
    acknowledged: 0,
    unknownAdding: 0,
    unknownTaking: 0,
    loaded: 0,
    held: run.counts.map((path) => (path === null || run.torn.has(path) ? null : 0)),
    unequalKeys: 0,
    leftOutKeys: 0,
  }
}

/** What one dot adds to the counters of its row. */
function amounts(run: RunData): (dot: number) => number {
  const { columns, seed } = run.stored.scenario
  const maker = new ContentMaker(columns, seed)
  const values = maker.allocate(1)
  return (dot) => {
    maker.fill(values, 0, dot)
    let sum = 0
    for (const [c, column] of columns.entries()) {
      const own = values[c]
      if (column.type === 'int' && column.counter === true && own.type === 'int') sum += own.values[0]
    }
    return sum
  }
}

/** What the increments of one part add up to, by key group. */
interface Groups {
  readonly of: DotTable
  /** 1 while nothing but increments was asked for. */
  readonly pure: Uint8Array
  readonly increments: Float64Array
  readonly acknowledged: Float64Array
  readonly unknownAdding: Float64Array
  readonly unknownTaking: Float64Array
}

/**
 * Adds a part's keys to the total and returns, by row, what an acknowledged write added to its key: its own amount and those
 * of the increments of its batch that were added to it; 0 for all rows of keys that are left out.
 */
export function addCounterSums(run: RunData, part: LedgerPart, partition: Partition, total: CounterSums): Float64Array {
  const { rows, groups, groupKey, groupOf, starts } = partition
  const amountOf = amounts(run)
  const f64 = () => new Float64Array(groups)
  const sums: Groups = {
    of: groupOf,
    pure: new Uint8Array(groups).fill(1),
    increments: f64(),
    acknowledged: f64(),
    unknownAdding: f64(),
    unknownTaking: f64(),
  }
  const added = new Float64Array(rows)
  for (const { dcIndex, block } of part.blocks('writes')) {
    for (let i = 0; i < block.rows; i++) {
      const refused = block.outcome[i] === OUTCOME.fail || (block.flags[i] & WRITE_FLAG.declined) !== 0
      const group = refused ? -1 : groupOf.find(block.key[i])
      if (group < 0) continue
      if (block.operation[i] !== OPERATION.increment) {
        sums.pure[group] = 0
        continue
      }
      const amount = amountOf(block.dot[i])
      addToGroup(sums, group, block.outcome[i], amount)
      if (block.outcome[i] !== OUTCOME.ok) continue
      // A coalesced one was added to the next of its key that was sent.
      const place = firstPlaceFrom(partition, group, dcIndex, block.dot[i])
      if (place < starts[group + 1]) added[place] += amount
    }
  }
  for (let group = 0; group < groups; group++) {
    if (sums.pure[group] === 0) {
      total.leftOutKeys++
      added.fill(0, starts[group], starts[group + 1])
      continue
    }
    const key = groupKey[group]
    if (key < run.stored.scenario.rows) total.loaded += amountOf(loadedDot(key))
    for (const name of ['increments', 'acknowledged', 'unknownAdding', 'unknownTaking'] as const) {
      total[name] += sums[name][group]
    }
  }
  addHeld(part, sums, total)
  return added
}

function addToGroup(sums: Groups, group: number, outcome: number, amount: number): void {
  if (outcome === OUTCOME.ok) {
    sums.increments[group]++
    sums.acknowledged[group] += amount
  } else if (amount > 0) sums.unknownAdding[group] += amount
  else sums.unknownTaking[group] += amount
}

/** The group's first row of this DC whose dot is this one or a later one; the group's end if none does. */
function firstPlaceFrom({ starts, dc, dot }: Partition, group: number, wantedDc: number, wanted: number): number {
  let low = starts[group]
  let high = starts[group + 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((dc[middle] - wantedDc || dot[middle] - wanted) >= 0) high = middle
    else low = middle + 1
  }
  return low < starts[group + 1] && dc[low] === wantedDc ? low : starts[group + 1]
}

function addHeld(part: LedgerPart, { of, pure }: Groups, total: CounterSums): void {
  const held = total.held.map(() => new Float64Array(pure.length))
  for (const { dcIndex, block } of part.blocks('counts')) {
    for (let row = 0; row < block.rows; row++) {
      const group = of.find(block.key[row])
      // Added and not set: what pads a block reads as key 0 with nothing.
      if (group >= 0) held[dcIndex][group] += block.value[row]
    }
  }
  const [first] = held
  const unequal = new Uint8Array(pure.length)
  for (const [dc, before] of total.held.entries()) {
    if (before === null) continue
    let sum = 0
    for (let group = 0; group < pure.length; group++) {
      if (pure[group] === 0) continue
      sum += held[dc][group]
      if (held[dc][group] !== first[group]) unequal[group] = 1
    }
    total.held[dc] = before + sum
  }
  for (const different of unequal) total.unequalKeys += different
}
