// True conflicts: pairs of writes to one key in different DCs, neither in the other's causal past. Counted, never listed:
// along each DC's writes every bound rises, so that the partners of a write are a range found by moving pointers.
import { OUTCOME } from '../contract/outcome.ts'
import type { Capabilities } from '../contract/driver.ts'
import { PHASE } from '../lib/dot.ts'
import type { ColumnRoom } from './column-room.ts'
import type { KeyHistory } from './key-history.ts'
import { linkIndex } from './link-index.ts'
import type { Partition } from './partition.ts'
import type { Slices } from './slices.ts'

/** The three answers to "is this pair concurrent": surely, about (by the middle of the bounds), possibly. */
export const CERTAINTY = { sure: 0, middle: 1, possible: 2 } as const
/** The answer by what the writes found, where causality is exact. */
export const EXACT = 3
type Certainty = 0 | 1 | 2 | 3
const BOUNDED: readonly Certainty[] = [0, 1, 2]
const WITH_EXACT: readonly Certainty[] = [0, 1, 2, 3]
const DISCARDED = 16

/** Columns by position that are of use for one key, and to one of those who look at it at a time. */
export const KEY_BYTES = 'byte of a position'
export const KEY_WORDS = 'word of a position'

/** Counts by certainty: [surely, about, possibly, exactly], the last 0 where causality is not exact. */
export type Counts = [number, number, number, number]
const zeros = (): Counts => [0, 0, 0, 0]

/** Acknowledged stored writes of the measured phase, and those of them in at least one conflict. */
interface DcConflicts {
  stored: number
  readonly inConflict: Counts
  readonly discarded: Counts
}

/** Conflicts among the writes of the measured phase. Both partners of a pair are of that phase. */
export interface Conflicts {
  readonly byDc: readonly DcConflicts[]
  readonly pairs: Counts
  /** The same by both DCs, the one of lower index first (see `linkIndex`). */
  readonly pairsOfDcs: readonly Counts[]
  readonly keys: Counts
  /** By slice: stored writes, those about in conflict, and pairs about in conflict (halved between the partners). */
  readonly storedBySlice: Float64Array
  readonly inConflictBySlice: Float64Array
  readonly pairsBySlice: Float64Array
}

export function newConflicts(dcCount: number, slices: Slices): Conflicts {
  return {
    byDc: Array.from({ length: dcCount }, () => ({ stored: 0, inConflict: zeros(), discarded: zeros() })),
    pairs: zeros(),
    pairsOfDcs: Array.from({ length: dcCount ** 2 }, zeros),
    keys: zeros(),
    storedBySlice: new Float64Array(slices.count),
    inConflictBySlice: new Float64Array(slices.count),
    pairsBySlice: new Float64Array(slices.count),
  }
}

/** Whether a write of the measured phase was acknowledged. */
export function isMeasured(partition: Partition, row: number): boolean {
  return partition.phase[row] === PHASE.measure && partition.outcome[row] === OUTCOME.ok
}

/**
 * The range of positions in [from, to) of writes of DC `e` that are concurrent with the write at `p` of DC `d`.
 * `start` and `end` are where the range of the write before `p` began and ended: they only move forward.
 */
export function advance(
  history: KeyHistory,
  certainty: Certainty,
  p: number,
  d: number,
  e: number,
  range: { start: number; end: number },
): void {
  const to = history.from[e + 1]
  const { sentUs, ackedUs } = history
  if (certainty === CERTAINTY.sure) {
    const miss = history.missUs[e][p]
    while (range.end < to && ackedUs[range.end] <= miss) range.end++
    while (range.start < to && history.missUs[d][range.start] < ackedUs[p]) range.start++
  } else if (certainty === CERTAINTY.middle) {
    const mid = history.midUs[e][p]
    while (range.end < to && history.commitUs(range.end, e) < mid) range.end++
    const committed = history.commitUs(p, d)
    while (range.start < to && history.midUs[d][range.start] <= committed) range.start++
  } else if (certainty === EXACT) {
    const { dots, pastDots } = history
    while (range.end < to && pastDots[d][range.end] < dots[p]) range.end++
    while (range.start < to && dots[range.start] <= pastDots[e][p]) range.start++
  } else {
    const hit = history.hitUs[e][p]
    while (range.end < to && sentUs[range.end] < hit) range.end++
    while (range.start < to && history.hitUs[d][range.start] <= sentUs[p]) range.start++
  }
}

/** Counts the conflicts of one key after another into one total. */
export class ConflictCounter {
  #partition!: Partition
  readonly #history: KeyHistory
  readonly #room: ColumnRoom
  readonly #dcCount: number
  readonly #slices: Slices
  readonly #discards: 'lower version' | 'both' | 'none'
  readonly #total: Conflicts
  #certainties = BOUNDED
  /** By position: bit c for in conflict, bit 4 + c for discarded. */
  #flags: Uint8Array = new Uint8Array(0)
  /** By position: how many acknowledged, and how many possible, measured writes stand before it. */
  #ok: Uint32Array = new Uint32Array(0)
  #maybe: Uint32Array = new Uint32Array(0)

  /** `room` is for what is of use for one key only, and may be shared with others who take turns with it. */
  constructor(
    history: KeyHistory,
    room: ColumnRoom,
    slices: Slices,
    conflicts: Capabilities['conflicts'],
    total: Conflicts,
  ) {
    this.#history = history
    this.#room = room
    this.#dcCount = total.byDc.length
    this.#slices = slices
    // Where nothing is compared, each of two concurrent writes overwrites the other in the other's DC.
    this.#discards = conflicts === 'diverges' ? 'both' : conflicts === 'merge' ? 'none' : 'lower version'
    this.#total = total
  }

  /** Goes over to the keys of another partition. */
  begin(partition: Partition): void {
    this.#partition = partition
    this.#certainties = partition.causes === null ? BOUNDED : WITH_EXACT
  }

  /** Counts a row of a key that only one DC wrote. */
  countAlone(row: number): void {
    if (!isMeasured(this.#partition, row)) return
    this.#total.byDc[this.#partition.dc[row]].stored++
    const slice = this.#slices.at(this.#partition.sentUs[row])
    if (slice >= 0) this.#total.storedBySlice[slice]++
  }

  /** Counts the key that the history holds. */
  countKey(): void {
    this.#prepare()
    const { from } = this.#history
    for (let d = 0; d < this.#dcCount; d++) {
      if (from[d] === from[d + 1]) continue
      for (let e = 0; e < this.#dcCount; e++) {
        if (e === d || from[e] === from[e + 1]) continue
        for (const certainty of this.#certainties) this.#countLink(certainty, d, e)
      }
    }
    this.#collect()
  }

  #prepare(): void {
    const { count } = this.#history
    this.#flags = this.#room.u8(KEY_BYTES, count).fill(0, 0, count)
    this.#ok = this.#room.u32(KEY_WORDS, count + 1)
    this.#ok[0] = 0
    let unknown = 0
    for (let p = 0; p < count; p++) {
      const row = this.#history.row(p)
      const known = isMeasured(this.#partition, row)
      this.#ok[p + 1] = this.#ok[p] + (known ? 1 : 0)
      if (!known && this.#partition.phase[row] === PHASE.measure) unknown++
    }
    // Few keys have a write without an outcome; for the others one column says both.
    this.#maybe = this.#ok
    if (unknown === 0) return
    this.#maybe = new Uint32Array(count + 1)
    for (let p = 0; p < count; p++) {
      this.#maybe[p + 1] = this.#maybe[p] + (this.#partition.phase[this.#history.row(p)] === PHASE.measure ? 1 : 0)
    }
  }

  #countLink(certainty: Certainty, d: number, e: number): void {
    const { from } = this.#history
    const members = certainty === CERTAINTY.possible ? this.#maybe : this.#ok
    const range = { start: from[e], end: from[e] }
    for (let p = from[d]; p < from[d + 1]; p++) {
      advance(this.#history, certainty, p, d, e, range)
      if (range.end <= range.start || members[p + 1] === members[p]) continue
      const partners = members[range.end] - members[range.start]
      if (partners === 0) continue
      if (d < e) {
        this.#total.pairs[certainty] += partners
        this.#total.pairsOfDcs[linkIndex(this.#dcCount, d, e)][certainty] += partners
      }
      this.#flags[p] |= 1 << certainty
      if (this.#isBeaten(members, p, range) || (certainty === CERTAINTY.possible && this.#hasUnknown(range)))
        this.#flags[p] |= DISCARDED << certainty
      if (certainty !== CERTAINTY.middle) continue
      const slice = this.#slices.at(this.#history.sentUs[p])
      if (slice >= 0) this.#total.pairsBySlice[slice] += partners / 2
    }
  }

  /** Whether the last partner, which has the highest version of them, beats the write. */
  #isBeaten(members: Uint32Array, p: number, range: { start: number; end: number }): boolean {
    if (this.#discards !== 'lower version') return this.#discards === 'both'
    const { version } = this.#partition
    let last = range.end - 1
    while (last > range.start && members[last + 1] === members[last]) last--
    return version[this.#history.row(last)] > version[this.#history.row(p)]
  }

  /** Whether a partner has no known outcome, and so no known version: it may beat any. */
  #hasUnknown({ start, end }: { start: number; end: number }): boolean {
    return this.#maybe[end] - this.#maybe[start] > this.#ok[end] - this.#ok[start] && this.#discards !== 'none'
  }

  #collect(): void {
    const found = zeros()
    for (let p = 0; p < this.#history.count; p++) {
      const row = this.#history.row(p)
      const flags = this.#flags[p]
      for (const certainty of this.#certainties) if ((flags & (1 << certainty)) !== 0) found[certainty] = 1
      if (!isMeasured(this.#partition, row)) continue
      this.countAlone(row)
      const dc = this.#total.byDc[this.#partition.dc[row]]
      for (const certainty of this.#certainties) {
        if ((flags & (1 << certainty)) !== 0) dc.inConflict[certainty]++
        if ((flags & (DISCARDED << certainty)) !== 0) dc.discarded[certainty]++
      }
      const slice = this.#slices.at(this.#partition.sentUs[row])
      if (slice >= 0 && (flags & (1 << CERTAINTY.middle)) !== 0) this.#total.inConflictBySlice[slice]++
    }
    for (const certainty of this.#certainties) this.#total.keys[certainty] += found[certainty]
  }
}
