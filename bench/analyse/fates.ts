// What became of writes beside conflicts and losses, found key by key: mixed rows, unknown writes, skewed clocks, counters.
import { ArrivalOrder } from './arrival-order.ts'
import type { Counts } from './conflicts.ts'
import { hasCounter, newCounterSums, type CounterSums } from './counter-sums.ts'
import type { RunData } from './load.ts'
import { newMixedRows, type MixedRows } from './mixed-rows.ts'
import type { UnknownWrites } from './unknown-writes.ts'

/** Over all parts; by DC that wrote where there is a list. */
export interface Fates {
  readonly mixedRows: MixedRows
  readonly unknownWrites: readonly UnknownWrites[]
  readonly arrivals: ArrivalOrder
  readonly beatenByEarlier: readonly Counts[]
  /** Null for tables without a counter. */
  readonly counterSums: CounterSums | null
}

export function newFates(run: RunData): Fates {
  return {
    mixedRows: newMixedRows(run.dcs.length),
    unknownWrites: run.dcs.map(() => ({ asked: 0, present: 0, possible: 0 })),
    arrivals: new ArrivalOrder(run.dcs.length),
    beatenByEarlier: run.dcs.map((): Counts => [0, 0, 0, 0]),
    counterSums: hasCounter(run.stored.scenario.columns) ? newCounterSums(run) : null,
  }
}
