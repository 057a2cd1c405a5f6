// Walks parts of the key space, one after another in one thread, and counts everything that is found key by key.
import { ConflictCounter, newConflicts, type Conflicts } from './conflicts.ts'
import { EarlierBeats } from './beaten-by-earlier.ts'
import { ColumnRoom } from './column-room.ts'
import type { Exactness } from './conflict-exact.ts'
import { ConflictPairs, type Pair } from './conflict-pairs.ts'
import { addCounterSums, type CounterSums } from './counter-sums.ts'
import { DotTable } from './dot-table.ts'
import { newFates, type Fates } from './fates.ts'
import { KeyHistory, type SourceCounts } from './key-history.ts'
import type { LedgerPart } from './ledger-part.ts'
import { LineagePlayer, type LostUpdates } from './lineage.ts'
import type { Arrivals } from './link-arrivals.ts'
import type { RunData } from './load.ts'
import { countLostWrite, newLostWrites, type LostWrites } from './losses.ts'
import { addMixedRow, mixedIn, type MixedRows } from './mixed-rows.ts'
import { loadPartition, type PartFacts, type Partition } from './partition.ts'
import { WriteCounts } from './prediction.ts'
import { sliceMeasured } from './slices.ts'
import { countUnknownWrites, type UnknownWrites } from './unknown-writes.ts'
import { VisibilityEvidence, type EvidenceState } from './visibility.ts'
import { countVisible, type VisibleCounts } from './visible-share.ts'

/** Figures of some keys that are added up over all. */
interface KeySums {
  readonly conflicts: Conflicts
  readonly visible: readonly VisibleCounts[]
  /** Zeros where the final rows of some DC are not known. */
  readonly lostWrites: LostWrites
  readonly lostUpdates: LostUpdates
  readonly mixedRows: MixedRows
  readonly unknownWrites: readonly UnknownWrites[]
  readonly beatenByEarlier: Fates['beatenByEarlier']
  readonly counterSums: CounterSums | null
  readonly sources: SourceCounts
  readonly found: Omit<Exactness, 'asked'> & { unexplained: number }
}

/** What one thread found in the parts that it walked. */
export interface WalkedParts {
  readonly sums: KeySums
  readonly pairs: readonly Pair[]
  readonly counts: readonly (readonly [counts: string, keys: number])[]
  readonly arrivals: readonly Arrivals[]
  /** Of keys that the run found divergent: the last operation on them, and the DCs whose copy is mixed. */
  readonly latestOperation: readonly (readonly [key: number, operation: number])[]
  readonly mixedCopies: readonly (readonly [key: number, dcs: readonly number[]])[]
}

export class KeyWalk {
  readonly #run: RunData
  readonly #facts: PartFacts
  readonly #haveFinals: boolean
  readonly #room = new ColumnRoom()
  readonly #table = new DotTable(1024)
  readonly #history: KeyHistory
  readonly #counter: ConflictCounter
  readonly #lineage: LineagePlayer
  readonly #earlier: EarlierBeats
  readonly #pairs = new ConflictPairs()
  readonly #counts: WriteCounts
  readonly #fates: Fates
  readonly #sums: KeySums
  readonly #divergent: ReadonlySet<number>
  readonly #latestOperation: [number, number][] = []
  readonly #mixedCopies: [number, readonly number[]][] = []

  constructor(run: RunData, evidence: EvidenceState) {
    const dcCount = run.dcs.length
    const { conflicts: kind } = run.stored.system.capabilities
    const slices = sliceMeasured(run.measure)
    this.#run = run
    const finals = run.finals.map((path) => path !== null && !run.torn.has(path))
    this.#facts = { dcCount, finals, causes: run.causes.length > 0 }
    this.#haveFinals = finals.every((known) => known)
    this.#fates = newFates(run)
    this.#history = new KeyHistory(
      new VisibilityEvidence(evidence),
      dcCount,
      run.stored.scenario.probesPerSecond === 'all',
    )
    const conflicts = newConflicts(dcCount, slices)
    const keyRoom = new ColumnRoom()
    this.#counter = new ConflictCounter(this.#history, keyRoom, slices, kind, conflicts)
    this.#lineage = new LineagePlayer(this.#history, keyRoom, dcCount, kind)
    this.#earlier = new EarlierBeats(this.#history, this.#fates.beatenByEarlier)
    this.#counts = new WriteCounts(dcCount)
    this.#divergent = new Set(run.stored.divergent.rows.map((row) => row.key))
    this.#sums = {
      conflicts,
      visible: run.dcs.map(() => ({ probed: 0, shown: 0, possible: 0 })),
      lostWrites: newLostWrites(dcCount),
      lostUpdates: this.#lineage.total,
      mixedRows: this.#fates.mixedRows,
      unknownWrites: this.#fates.unknownWrites,
      beatenByEarlier: this.#fates.beatenByEarlier,
      counterSums: this.#fates.counterSums,
      sources: this.#history.sources,
      found: { uncaused: 0, forgetful: 0, unexplained: 0 },
    }
  }

  /** Counts the keys of a part. */
  walk(part: LedgerPart): void {
    const { unknownWrites, mixedRows, counterSums, lostWrites, visible } = this.#sums
    const { capabilities, store } = this.#run.stored.system
    const ownOrder = store?.ownOrder !== undefined
    const partition = loadPartition(part, this.#facts, this.#room, this.#table)
    this.#history.begin(partition)
    this.#counter.begin(partition)
    this.#earlier.begin(partition)
    // Of a counter every increment of the run counts by what it added; else every write of the measured phase for one.
    const added = counterSums === null ? null : addCounterSums(this.#run, part, partition, counterSums)
    this.#lineage.begin(partition, added)
    countVisible(partition, this.#run.measure.endUs, visible)
    this.#sums.found.unexplained += partition.unexplained
    const { starts, groups } = partition
    for (let group = 0; group < groups; group++) {
      this.#counts.addKey(partition, group)
      const mixed = mixedIn(partition, group, capabilities)
      if (mixed.length > 0) addMixedRow(mixed, mixedRows)
      if (this.#haveFinals) countLostWrite(partition, group, mixed, ownOrder, lostWrites)
      countUnknownWrites(partition, group, capabilities.conflicts, unknownWrites)
      this.#fates.arrivals.addKey(partition, group)
      if (this.#history.load(group)) {
        this.#earlier.countKey()
        this.#counter.countKey()
        this.#pairs.offer(partition, this.#history, partition.groupKey[group], this.#facts.dcCount)
        if (this.#haveFinals) this.#lineage.countKey(group)
      } else {
        for (let row = starts[group]; row < starts[group + 1]; row++) this.#counter.countAlone(row)
        if (this.#haveFinals) this.#lineage.countAlone(group)
      }
      if (this.#divergent.size > 0) this.#noteDivergent(partition, group, mixed)
    }
  }

  #noteDivergent({ starts, version, operation, groupKey }: Partition, group: number, mixed: readonly number[]): void {
    const key = groupKey[group]
    if (!this.#divergent.has(key)) return
    let latest = starts[group]
    for (let row = latest + 1; row < starts[group + 1]; row++) if (version[row] > version[latest]) latest = row
    this.#latestOperation.push([key, operation[latest]])
    if (mixed.length > 0) this.#mixedCopies.push([key, mixed])
  }

  /** What was found in all parts walked. */
  found(): WalkedParts {
    this.#sums.found.uncaused = this.#history.uncaused
    this.#sums.found.forgetful = this.#history.forgetful
    return {
      sums: this.#sums,
      pairs: this.#pairs.kept,
      counts: this.#counts.keys(),
      arrivals: this.#fates.arrivals.links,
      latestOperation: this.#latestOperation,
      mixedCopies: this.#mixedCopies,
    }
  }
}
