// What became of writes beside conflicts and losses, found key by key: mixed rows, unknown writes, skewed clocks, counters.
import type { Capabilities } from '../contract/driver.ts'
import { ArrivalOrder } from './arrival-order.ts'
import { EarlierBeats } from './beaten-by-earlier.ts'
import type { Counts } from './conflicts.ts'
import { addCounterSums, hasCounter, newCounterSums, type CounterSums } from './counter-sums.ts'
import type { KeyHistory } from './key-history.ts'
import type { RunData } from './load.ts'
import { addMixedRow, newMixedRows, type MixedRows } from './mixed-rows.ts'
import type { Partition } from './partition.ts'
import type { LedgerPart } from './split-ledger.ts'
import { countUnknownWrites, type UnknownWrites } from './unknown-writes.ts'

/** Over all parts; by DC that wrote where there is a list. */
export class Fates {
  readonly #conflicts: Capabilities['conflicts']
  readonly mixedRows: MixedRows
  readonly unknownWrites: readonly UnknownWrites[]
  readonly arrivals: ArrivalOrder
  readonly beatenByEarlier: readonly Counts[]
  /** Null for tables without a counter. */
  readonly counterSums: CounterSums | null

  constructor(run: RunData) {
    const { system, scenario } = run.stored
    this.#conflicts = system.capabilities.conflicts
    this.mixedRows = newMixedRows(run.dcs.length)
    this.unknownWrites = run.dcs.map(() => ({ asked: 0, present: 0, possible: 0 }))
    this.arrivals = new ArrivalOrder(run.dcs.length)
    this.beatenByEarlier = run.dcs.map((): Counts => [0, 0, 0, 0])
    this.counterSums = hasCounter(scenario.columns) ? newCounterSums(run) : null
  }

  /** Begins a part; its keys are counted with what this returns. */
  part(part: LedgerPart, partition: Partition, history: KeyHistory): PartFates {
    const earlier = new EarlierBeats(partition, history, this.beatenByEarlier)
    const added = this.counterSums === null ? null : addCounterSums(part.run, partition, this.counterSums)
    return {
      added,
      countKey: (group, severalWrote, mixedIn) => {
        addMixedRow(mixedIn, this.mixedRows)
        countUnknownWrites(partition, group, this.#conflicts, this.unknownWrites)
        this.arrivals.addKey(partition, group)
        if (severalWrote) earlier.countKey()
      },
    }
  }
}

interface PartFates {
  /** By row, what it added to the counters of its key; null for tables without one. */
  readonly added: Float64Array | null
  /** Counts one key, which the history holds where several DCs wrote it; `mixedIn` are the DCs that hold it mixed. */
  countKey(group: number, severalWrote: boolean, mixedIn: readonly number[]): void
}
