// Lost updates: the history of a key is played again, each write on top of the row that its DC held, and what no final row
// descends from is lost. Played with early, middle and late visibility, since when a write arrived is known only in bounds.
import type { Capabilities } from '../contract/driver.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { ExactLineage, type ExactLoss } from './exact-lineage.ts'
import type { KeyHistory } from './key-history.ts'
import type { ColumnRoom } from './column-room.ts'
import { isMeasured, KEY_BYTES, KEY_WORDS } from './conflicts.ts'
import type { Partition } from './partition.ts'
import { roomFor } from './room.ts'

/** Rows lost with [early, middle, late] visibility, and late with every unknown write taken as stored. */
export type LostUpdates = [number, number, number, number]
type Play = 0 | 1 | 2 | 3
const PLAYS: readonly Play[] = [0, 1, 2, 3]
const NONE = 0xffffffff

export class LineagePlayer {
  #partition!: Partition
  /** By row, what it counts for; null where every write of the measured phase counts for one. */
  #weights: Float64Array | null = null
  readonly #history: KeyHistory
  readonly #room: ColumnRoom
  readonly #dcCount: number
  readonly #arrivalWins: boolean
  /** A system that serialises the writes of a key in one place: each stands on all with a lower version. */
  readonly #serial: boolean
  /** Where writes said which rows they replaced. */
  #exact: ExactLineage | null = null
  readonly total: LostUpdates = [0, 0, 0, 0]
  #parent: Uint32Array = new Uint32Array(0)
  #kept: Uint8Array = new Uint8Array(0)
  #taken = new Uint8Array(0)
  /** By DC, the rows that it held, ascending in version (or in arrival, where nothing is compared). */
  readonly #held: Uint32Array[]
  readonly #depth: Uint32Array
  /** By origin × peer, the position that comes next. */
  readonly #next: Uint32Array

  /** `room` as that of a ConflictCounter: they take turns. */
  constructor(history: KeyHistory, room: ColumnRoom, dcCount: number, conflicts: Capabilities['conflicts']) {
    this.#history = history
    this.#room = room
    this.#dcCount = dcCount
    this.#arrivalWins = conflicts === 'diverges'
    this.#serial = conflicts === 'none'
    this.#held = Array.from({ length: dcCount }, () => new Uint32Array(0))
    this.#depth = new Uint32Array(dcCount)
    this.#next = new Uint32Array(dcCount * dcCount)
  }

  /** Goes over to the keys of another partition; `weights` is what a row counts for where it is lost, or null for the usual. */
  begin(partition: Partition, weights: Float64Array | null): void {
    this.#partition = partition
    this.#weights = weights
    const weightOf = (row: number) => this.#weightOf(row)
    this.#exact = partition.causes === null ? null : new ExactLineage(partition, partition.causes, weightOf)
  }

  #weightOf(row: number): number {
    return this.#weights === null ? (isMeasured(this.#partition, row) ? 1 : 0) : this.#weights[row]
  }

  /** A key that one DC wrote: everything up to the latest of its writes that some DC holds is in that one's past. */
  countAlone(group: number): void {
    const { starts, finals } = this.#partition
    let latest = -1
    for (let dc = 0; dc < finals.length; dc++) {
      const place = finals[dc]?.place[group] ?? -1
      if (place > latest) latest = place
    }
    let lost = 0
    for (let row = Math.max(latest + 1, starts[group]); row < starts[group + 1]; row++) lost += this.#weightOf(row)
    const exact = this.#exact?.lost(group)
    if (exact === undefined) this.#add(lost, lost, lost)
    else this.#addExact(exact, lost)
  }

  #add(early: number, middle: number, late: number): void {
    this.total[0] += early
    this.total[1] += middle
    this.total[2] += middle
    this.total[3] += late
  }

  #addExact({ least, most }: ExactLoss, about: number): void {
    this.#add(least, Math.min(most, Math.max(least, about)), most)
  }

  /** A key that several DCs wrote, as the history holds it. */
  countKey(group: number): void {
    const exact = this.#exact?.lost(group)
    if (exact !== undefined && exact.least === exact.most) return this.#addExact(exact, exact.least)
    if (this.#serial) return this.#countSerial(group)
    const { count } = this.#history
    this.#prepare(count)
    let unknown = false
    for (let p = 0; p < count; p++) {
      const row = this.#history.row(p)
      const acknowledged = this.#partition.outcome[row] === OUTCOME.ok
      this.#taken[p] = acknowledged || this.#isFinal(group, row) ? 1 : 0
      if (this.#taken[p] === 0) unknown = true
    }
    if (exact !== undefined) {
      this.#play(1)
      this.#setKnownParents(group)
      return this.#addExact(exact, this.#lost(group))
    }
    for (const play of PLAYS) {
      if (play === 3) {
        if (!unknown) {
          this.total[3] += this.#lost(group)
          continue
        }
        this.#taken.fill(1, 0, count)
      }
      this.#play(play)
      this.total[play] += this.#lost(group)
    }
  }

  #countSerial(group: number): void {
    const latest = Math.max(...this.#partition.finals.map((final) => final?.version[group] ?? 0))
    for (let p = 0; p < this.#history.count; p++) {
      if (this.#versionAt(p) <= latest) continue
      const weight = this.#weightOf(this.#history.row(p))
      this.#add(weight, weight, weight)
    }
  }

  #prepare(count: number): void {
    this.#parent = this.#room.u32(KEY_WORDS, count)
    this.#kept = this.#room.u8(KEY_BYTES, count)
    if (count <= this.#taken.length) return
    const room = roomFor(count)
    this.#taken = new Uint8Array(room)
    for (let d = 0; d < this.#dcCount; d++) this.#held[d] = new Uint32Array(room)
  }

  #isFinal(group: number, row: number): boolean {
    return this.#partition.finals.some((final) => final !== null && final.place[group] === row)
  }

  /** Merges the DCs' commits and arrivals, each a rising series, in the order of time. */
  #play(play: Play): void {
    const { from, missUs, hitUs, midUs, sentUs, ackedUs } = this.#history
    const commits = play === 0 ? ackedUs : play === 1 ? null : sentUs
    const arrivals = play === 0 ? missUs : play === 1 ? midUs : hitUs
    const dcs = this.#dcCount
    this.#depth.fill(0)
    // A write whose commit no play reaches has no parent.
    this.#parent.fill(NONE, 0, this.#history.count)
    const next = this.#next
    for (let d = 0; d < dcs; d++) next.fill(from[d], d * dcs, (d + 1) * dcs)
    for (;;) {
      let earliest = Number.POSITIVE_INFINITY
      let series = -1
      for (let origin = 0, i = 0; origin < dcs; origin++) {
        for (let dc = 0; dc < dcs; dc++, i++) {
          const p = next[i]
          if (p === from[origin + 1]) continue
          const at = origin !== dc ? arrivals[dc][p] : commits === null ? this.#history.commitUs(p, dc) : commits[p]
          // Early arrivals come before commits of the same moment, late ones after: each end is the furthest possible.
          if (at < earliest || (at === earliest && series >= 0 && (origin === dc) === play > 0)) {
            earliest = at
            series = i
          }
        }
      }
      if (series < 0) return
      const dc = series % dcs
      const origin = (series - dc) / dcs
      const p = next[series]++
      if (this.#taken[p] === 0) continue
      if (origin === dc) this.#commit(origin, p)
      else this.#arrive(dc, p)
    }
  }

  /** What writes said that they replaced stands over what was played. */
  #setKnownParents(group: number): void {
    if (this.#exact === null) return
    for (let p = 0; p < this.#history.count; p++) {
      const parent = this.#exact.parentOf(group, this.#history.row(p))
      if (parent > -2) this.#parent[p] = parent < 0 ? NONE : parent
    }
  }

  #versionAt(p: number): number {
    return this.#partition.version[this.#history.row(p)]
  }

  /** A write stands on the latest row of its DC with a lower version: a local write never lowers a version. */
  #commit(dc: number, p: number): void {
    const held = this.#held[dc]
    const version = this.#versionAt(p)
    let place = this.#depth[dc]++
    // A row above it must have arrived later than estimated: the write goes below that one.
    for (; place > 0 && this.#versionAt(held[place - 1]) > version; place--) held[place] = held[place - 1]
    held[place] = p
    this.#parent[p] = place === 0 ? NONE : held[place - 1]
  }

  #arrive(dc: number, p: number): void {
    const held = this.#held[dc]
    const depth = this.#depth[dc]
    if (depth > 0 && !this.#arrivalWins && this.#versionAt(held[depth - 1]) >= this.#versionAt(p)) return
    held[depth] = p
    this.#depth[dc]++
  }

  /** The weight of the writes that no final row descends from. */
  #lost(group: number): number {
    const { count } = this.#history
    this.#kept.fill(0, 0, count)
    for (const final of this.#partition.finals) {
      const place = final?.place[group] ?? -1
      if (place < 0) continue
      for (let p = place - this.#partition.starts[group]; p !== NONE && this.#kept[p] === 0; p = this.#parent[p]) {
        this.#kept[p] = 1
      }
    }
    let lost = 0
    for (let p = 0; p < count; p++) {
      if (this.#kept[p] === 0) lost += this.#weightOf(this.#history.row(p))
    }
    return lost
  }
}
