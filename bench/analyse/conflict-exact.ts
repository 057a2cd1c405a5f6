// Whether the run's own vectors say exactly which writes were concurrent, and what to tell of it.
import type { ConflictBasis } from '../contract/analysis.ts'
import { CERTAINTY, EXACT, type Conflicts, type Counts } from './conflicts.ts'

/** What the writes said that they found, over the keys that several DCs wrote. */
export interface Exactness {
  /** Causality was exact: writes answered with what they found. */
  readonly asked: boolean
  /** Acknowledged writes that did not answer, and those that found less than an earlier one of their DC had. */
  uncaused: number
  forgetful: number
}

/** Exact counts stand only where every acknowledged write said what it found. */
export function isExact({ asked, uncaused }: Exactness): boolean {
  return asked && uncaused === 0
}

const writes = (n: number) => `${n} acknowledged ${n === 1 ? 'write' : 'writes'}`

/** How the exact figures were found, in plain words; `bounds` is the basis of the bounds beside them. */
export function exactNotes(exactness: Exactness, bounds: ConflictBasis): string[] {
  if (!exactness.asked) return []
  if (!isExact(exactness)) {
    return [
      `Causality was to be exact, but ${writes(exactness.uncaused)} did not say what they found: conflicts are given in bounds.`,
    ]
  }
  const notes = [
    `Conflicts are exact for the acknowledged writes, by the version vector that each found in its row; low and high are the bounds by visibility (${bounds}), and writes without an outcome count in high alone.`,
    'Every row keeps and ships a version vector in this run: throughput, WAN bytes and write amplification are not those of a run without.',
  ]
  if (exactness.forgetful > 0) {
    notes.push(
      `${writes(exactness.forgetful)} found less of another DC than an earlier one of their own DC had: the store forgot what it had taken in. A write's past is counted with that of the earlier ones of its DC.`,
    )
  }
  return notes
}

/** Where bounds that must hold the truth do not hold the exact count, one of the two is wrong, and the run says so. */
export function exactWarnings(exactness: Exactness, bounds: ConflictBasis, conflicts: Conflicts): string[] {
  if (!isExact(exactness) || (bounds !== 'probed' && bounds !== 'ordered')) return []
  const sum = (pick: 'inConflict' | 'discarded'): Counts =>
    conflicts.byDc.reduce<Counts>((all, dc) => all.map((n, c) => n + dc[pick][c]) as Counts, [0, 0, 0, 0])
  const counts = { writes: sum('inConflict'), pairs: conflicts.pairs, keys: conflicts.keys, discards: sum('discarded') }
  return Object.entries(counts).flatMap(([name, found]) => {
    const [low, exact, high] = [found[CERTAINTY.sure], found[EXACT], found[CERTAINTY.possible]]
    if (low <= exact && exact <= high) return []
    return [
      `Conflicts by the store's vectors (${exact} ${name}) lie outside what its reads prove (${low} to ${high}): either its vectors or its reads tell something else than what happened.`,
    ]
  })
}
