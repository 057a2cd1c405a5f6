// Everything that is found key by key, in one walk over the partitions of the key space.
import type { Exactness } from './conflict-exact.ts'
import { ConflictCounter, isMeasured, newConflicts, type Conflicts } from './conflicts.ts'
import { ConflictPairs } from './conflict-pairs.ts'
import { Fates } from './fates.ts'
import { KeyHistory, type SourceCounts } from './key-history.ts'
import { LineagePlayer, type LostUpdates } from './lineage.ts'
import type { RunData } from './load.ts'
import { countLostWrite, newLostWrites, type LostWrites } from './losses.ts'
import { mixedIn } from './mixed-rows.ts'
import { loadPartition } from './partition.ts'
import { WriteCounts } from './prediction.ts'
import type { Slices } from './slices.ts'
import { splitLedger } from './split-ledger.ts'
import type { VisibilityEvidence } from './visibility.ts'
import { countVisible, type VisibleCounts } from './visible-share.ts'

export interface KeySpace {
  readonly conflicts: Conflicts
  readonly pairs: ConflictPairs
  readonly counts: WriteCounts
  readonly visible: readonly VisibleCounts[]
  /** Null where the final rows of some DC are not known. */
  readonly lostWrites: LostWrites | null
  readonly lostUpdates: LostUpdates | null
  readonly fates: Fates
  /** Where the visibility of writes to keys of several DCs is from, when not from a clean probe. */
  readonly sources: SourceCounts
  readonly exactness: Exactness
  /** Final rows that no write of the ledger explains. */
  readonly unexplained: number
  /** The last operation on some keys: what class of divergence a row is of. */
  readonly latestOperation: ReadonlyMap<number, number>
  /** By key, of those: the DCs whose copy is mixed. */
  readonly mixedCopies: ReadonlyMap<number, readonly number[]>
}

/** Walks the key space in `partitions` parts; the result is the same for any number of them. */
export function walkKeySpace(run: RunData, evidence: VisibilityEvidence, slices: Slices, partitions: number): KeySpace {
  const dcCount = run.dcs.length
  const kind = run.stored.system.capabilities.conflicts
  const conflicts = newConflicts(dcCount, slices)
  const pairs = new ConflictPairs()
  const counts = new WriteCounts(dcCount)
  const visible = run.dcs.map((): VisibleCounts => ({ probed: 0, shown: 0, possible: 0 }))
  let haveFinals = true
  const lostWrites = newLostWrites(dcCount)
  const lostUpdates: LostUpdates = [0, 0, 0, 0]
  const fates = new Fates(run)
  const sources: SourceCounts = { reads: 0, order: 0, second: 0, neighbours: 0, phase: 0, none: 0 }
  const allProbed = run.stored.scenario.probesPerSecond === 'all'
  const exactness: Exactness = { asked: run.causes.length > 0, uncaused: 0, forgetful: 0 }
  const divergent = new Set(run.stored.divergent.rows.map((row) => row.key))
  const latestOperation = new Map<number, number>()
  const mixedCopies = new Map<number, readonly number[]>()
  const ownOrder = run.stored.system.store?.ownOrder !== undefined
  let unexplained = 0
  using ledger = splitLedger(run, partitions)
  for (const part of ledger.parts) {
    const partition = loadPartition(part)
    haveFinals &&= partition.finals.every((final) => final !== null)
    const history = new KeyHistory(partition, evidence, dcCount, allProbed)
    const counter = new ConflictCounter(partition, history, slices, kind, conflicts)
    const partFates = fates.part(part, partition, history)
    // Of a counter every increment of the run counts by what it added; else every write of the measured phase for one.
    const weightOf = (row: number) => partFates.added?.[row] ?? (isMeasured(partition, row) ? 1 : 0)
    const lineage = new LineagePlayer(partition, history, dcCount, kind, weightOf)
    countVisible(partition, run.measure.endUs, visible)
    unexplained += partition.unexplained
    for (let group = 0; group < partition.groups; group++) {
      counts.addKey(partition, group)
      const mixed = mixedIn(partition, group, run.stored.system.capabilities)
      if (haveFinals) countLostWrite(partition, group, { mixedIn: mixed, ownOrder }, lostWrites)
      const { order, starts } = partition
      const key = partition.groupKey[group]
      const severalWrote = history.load(group)
      partFates.countKey(group, severalWrote, mixed)
      if (severalWrote) {
        counter.countKey()
        pairs.offer(partition, history, key, dcCount)
        if (haveFinals) lineage.countKey(group)
      } else {
        for (let i = starts[group]; i < starts[group + 1]; i++) counter.countAlone(order[i])
        if (haveFinals) lineage.countAlone(group)
      }
      if (divergent.has(key)) {
        let latest = order[starts[group]]
        for (let i = starts[group] + 1; i < starts[group + 1]; i++) {
          if (partition.version[order[i]] > partition.version[latest]) latest = order[i]
        }
        latestOperation.set(key, partition.operation[latest])
        if (mixed.length > 0) mixedCopies.set(key, mixed)
      }
    }
    for (const [play, lost] of lineage.total.entries()) lostUpdates[play] += lost
    exactness.uncaused += history.uncaused
    exactness.forgetful += history.forgetful
    for (const source of Object.keys(sources) as (keyof SourceCounts)[]) sources[source] += history.sources[source]
  }
  return {
    conflicts,
    pairs,
    counts,
    visible,
    lostWrites: haveFinals ? lostWrites : null,
    lostUpdates: haveFinals && kind !== 'merge' ? lostUpdates : null,
    fates,
    sources,
    exactness,
    unexplained,
    latestOperation,
    mixedCopies,
  }
}
