// Lost updates of a counter, found twice and apart: as a sum that anyone can check, and by the causal chains of the writes.
import type { Figure } from '../contract/analysis.ts'
import { PREDICTION_TOLERANCE, TREND_Z } from './audit-table.ts'
import { isExact } from './conflict-exact.ts'
import type { CounterSums } from './counter-sums.ts'
import type { KeySpace } from './key-space.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import { formatFigure } from './numbers.ts'

/** The unit of a counter's sums, and of what is missing in them. */
const UNIT = 'units'

/** What is missing in one DC; unknown increments may have happened or not, each by itself. */
function missing(sums: CounterSums, held: number | null): Partial<Figure> {
  const n = sums.increments
  if (held === null || n === 0) return { n }
  const value = sums.acknowledged + sums.loaded - held
  return { value, low: value + sums.unknownTaking, high: value + sums.unknownAdding, n }
}

/** What is missing everywhere; n/a where the DCs hold different sums of a key, for then there is no one final value. */
function missingEverywhere(sums: CounterSums): Partial<Figure> {
  const alike = sums.unequalKeys === 0 && sums.held.every((held) => held !== null)
  return missing(sums, alike ? sums.held[0] : null)
}

/** The same by the writes that no final row descends from, each with what it added. */
function missingByChains({ lostUpdates }: KeySpace, sums: CounterSums): Partial<Figure> {
  const n = sums.increments
  if (lostUpdates === null || n === 0 || missingEverywhere(sums).value === undefined) return { n }
  return { value: lostUpdates[1], low: Math.min(...lostUpdates), high: Math.max(...lostUpdates), n }
}

/** Adds `lost_updates` over all and by the DC that holds the rows, and `lost_updates_by_chains` beside it. */
export function addCounters(list: MetricList, run: RunData, keySpace: KeySpace): void {
  const sums = keySpace.fates.counterSums
  if (sums === null) return
  list.add('lost_updates', UNIT, missingEverywhere(sums), { phase: 'run' })
  for (const [d, dc] of run.dcs.entries()) {
    list.add('lost_updates', UNIT, missing(sums, sums.held[d]), { peer: dc, phase: 'run' })
  }
  list.add('lost_updates_by_chains', UNIT, missingByChains(keySpace, sums), { phase: 'run' })
}

/** A warning where the sum and the chains have nothing in common: then something was added that nobody asked for, or forgotten. */
export function counterWarnings(keySpace: KeySpace): string[] {
  const sums = keySpace.fates.counterSums
  if (sums === null) return []
  const sum = missingEverywhere(sums)
  const chains = missingByChains(keySpace, sums)
  if (sum.low == null || sum.high == null || chains.low == null || chains.high == null) return []
  // Played by visibility, the chains are an estimate; by what the writes said that they replaced, they are what happened.
  const certain = isExact(keySpace.exactness) && chains.low === chains.high
  const slack = certain ? 0 : estimateSlack(sums, chains.high)
  if (sum.low <= chains.high + slack && chains.low - slack <= sum.high) return []
  const range = ({ low, high }: Partial<Figure>) =>
    low === high ? formatFigure(low ?? null) : `${formatFigure(low ?? null)} to ${formatFigure(high ?? null)}`
  return [
    `The counters miss ${range(sum)}, and the writes that no final row descends from added ${range(chains)}: the store added something twice, or dropped it from rows that it kept.`,
  ]
}

/** How far an estimate of the chains may be off: 10 %, and of few writes as much as chance makes of so many lost or not. */
function estimateSlack({ acknowledged, increments }: CounterSums, missed: number): number {
  const perIncrement = Math.abs(acknowledged / Math.max(1, increments))
  return PREDICTION_TOLERANCE * Math.abs(missed) + TREND_Z * Math.sqrt(Math.abs(missed) * perIncrement)
}

/** What the figures of a counter leave out, in plain words. */
export function counterNotes(keySpace: KeySpace): string[] {
  const sums = keySpace.fates.counterSums
  if (sums === null) return []
  return [
    ...(sums.leftOutKeys > 0
      ? [
          `Lost updates leave out ${keysText(sums.leftOutKeys)} that were also set or deleted: what they should hold depends on who saw what.`,
        ]
      : []),
    ...(sums.unequalKeys > 0
      ? [
          `The DCs hold different sums of ${keysText(sums.unequalKeys)}, so that lost updates over all DCs are n/a; metrics.csv has them by DC.`,
        ]
      : []),
  ]
}

const keysText = (count: number) => `${count} ${count === 1 ? 'key' : 'keys'}`
