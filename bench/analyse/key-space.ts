// Everything that is found key by key, over the whole key space.
import type { Exactness } from './conflict-exact.ts'
import type { Conflicts } from './conflicts.ts'
import { ConflictPairs } from './conflict-pairs.ts'
import { newFates, type Fates } from './fates.ts'
import type { SourceCounts } from './key-history.ts'
import type { WalkedParts } from './key-walk.ts'
import type { LostUpdates } from './lineage.ts'
import type { RunData } from './load.ts'
import type { LostWrites } from './losses.ts'
import { WriteCounts } from './prediction.ts'
import { addInto } from './sums.ts'
import type { VisibleCounts } from './visible-share.ts'

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

/** Puts together what threads found, one at least; the same whoever walked which parts, and however many there were. */
export function joinKeySpace(run: RunData, [first, ...others]: readonly WalkedParts[]): KeySpace {
  const { sums } = first
  for (const other of others) addInto(sums, other.sums)
  const dcCount = run.dcs.length
  const pairs = new ConflictPairs()
  const counts = new WriteCounts(dcCount)
  const { arrivals } = newFates(run)
  const all = [first, ...others]
  for (const part of all) {
    pairs.add(part.pairs)
    counts.add(part.counts)
    arrivals.add(part.arrivals)
  }
  const haveFinals = run.finals.every((path) => path !== null && !run.torn.has(path))
  const { mixedRows, unknownWrites, beatenByEarlier, counterSums, conflicts, visible, sources, found } = sums
  const { conflicts: kind } = run.stored.system.capabilities
  return {
    conflicts,
    pairs,
    counts,
    visible,
    lostWrites: haveFinals ? sums.lostWrites : null,
    lostUpdates: haveFinals && kind !== 'merge' ? sums.lostUpdates : null,
    fates: { mixedRows, unknownWrites, beatenByEarlier, counterSums, arrivals },
    sources,
    exactness: { asked: run.causes.length > 0, uncaused: found.uncaused, forgetful: found.forgetful },
    unexplained: found.unexplained,
    latestOperation: new Map(all.flatMap((part) => part.latestOperation)),
    mixedCopies: new Map(all.flatMap((part) => part.mixedCopies)),
  }
}
