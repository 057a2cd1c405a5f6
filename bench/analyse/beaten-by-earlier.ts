// Writes beaten by an earlier one: a concurrent write with a higher version that had been acknowledged before they were sent.
// With one clock that cannot be; it is what the skew of clocks between DCs does to last-writer-wins.
import { OUTCOME } from '../contract/outcome.ts'
import { PHASE } from '../lib/dot.ts'
import { advance, CERTAINTY, EXACT, isMeasured, type Counts } from './conflicts.ts'
import type { KeyHistory } from './key-history.ts'
import type { Partition } from './partition.ts'
import { roomFor } from './room.ts'

type Certainty = Parameters<typeof advance>[1]
const BOUNDED: readonly Certainty[] = Object.values(CERTAINTY)

/** Finds them key by key; `total` by DC that wrote, acknowledged stored writes of the measured phase. */
export class EarlierBeats {
  #partition!: Partition
  readonly #history: KeyHistory
  readonly #total: readonly Counts[]
  #certainties = BOUNDED
  /** By position: bit c where it is beaten with certainty c. */
  #flags = new Uint8Array(0)
  /** By position of one DC's writes: the last one up to there that counts as a partner, or −1. */
  #last = new Int32Array(0)

  constructor(history: KeyHistory, total: readonly Counts[]) {
    this.#history = history
    this.#total = total
  }

  /** Goes over to the keys of another partition. */
  begin(partition: Partition): void {
    this.#partition = partition
    this.#certainties = partition.causes === null ? BOUNDED : [...BOUNDED, EXACT]
  }

  /** Counts the key that the history holds. */
  countKey(): void {
    const dcs = this.#total.length
    let found = false
    for (let d = 0; d < dcs; d++) {
      for (let e = 0; e < dcs; e++) {
        if (e === d || !this.#isCandidate(d, e)) continue
        if (!found) this.#prepare()
        found = true
        this.#countLink(d, e)
      }
    }
    if (found) this.#collect()
  }

  /** Only for keys that may have some: a hot key seldom does, and would need much. */
  #prepare(): void {
    const { count } = this.#history
    if (count > this.#flags.length) {
      this.#flags = new Uint8Array(roomFor(count))
      this.#last = new Int32Array(roomFor(count))
    }
    this.#flags.fill(0, 0, count)
  }

  #collect(): void {
    const { count } = this.#history
    for (let p = 0; p < count; p++) {
      if (this.#flags[p] === 0 || !isMeasured(this.#partition, this.#history.row(p))) continue
      const counts = this.#total[this.#partition.dc[this.#history.row(p)]]
      for (const certainty of this.#certainties) if ((this.#flags[p] & (1 << certainty)) !== 0) counts[certainty]++
    }
  }

  /** Whether any write of `d` was sent after one of `e` with a higher version was acknowledged: seldom, and then all is looked at. */
  #isCandidate(d: number, e: number): boolean {
    const { from, sentUs, ackedUs } = this.#history
    let q = from[e]
    for (let p = from[d]; p < from[d + 1]; p++) {
      while (q < from[e + 1] && ackedUs[q] <= sentUs[p]) q++
      if (q > from[e] && this.#versionAt(q - 1) > this.#versionAt(p)) return true
    }
    return false
  }

  #countLink(d: number, e: number): void {
    const { from, sentUs, ackedUs } = this.#history
    for (const certainty of this.#certainties) {
      const range = { start: from[e], end: from[e] }
      this.#rememberLast(from[e], from[e + 1], certainty)
      let acknowledged = from[e]
      for (let p = from[d]; p < from[d + 1]; p++) {
        advance(this.#history, certainty, p, d, e, range)
        while (acknowledged < from[e + 1] && ackedUs[acknowledged] <= sentUs[p]) acknowledged++
        // Versions rise along a DC's writes: the last partner that was acknowledged before is the one to beat it.
        const end = Math.min(range.end, acknowledged)
        if (end <= range.start) continue
        const q = this.#last[end - 1]
        if (q >= range.start && this.#versionAt(q) > this.#versionAt(p)) this.#flags[p] |= 1 << certainty
      }
    }
  }

  #rememberLast(from: number, to: number, certainty: Certainty): void {
    let last = -1
    for (let q = from; q < to; q++) {
      if (this.#counts(q, certainty)) last = q
      this.#last[q] = last
    }
  }

  /** Partners are of the measured phase, and acknowledged unless any possibility counts. */
  #counts(q: number, certainty: Certainty): boolean {
    const row = this.#history.row(q)
    if (this.#partition.phase[row] !== PHASE.measure) return false
    return certainty === CERTAINTY.possible || this.#partition.outcome[row] === OUTCOME.ok
  }

  #versionAt(p: number): number {
    return this.#partition.version[this.#history.row(p)]
  }
}
