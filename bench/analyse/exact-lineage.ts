// Lost updates where every write said which row it replaced: what the final rows do not descend from is lost.
import type { Causes } from './causes.ts'
import { placeOfDot, type Partition } from './partition.ts'

/** `most` where a row on the way back that did not say what it replaced replaced nothing; `least` where it replaced all that it may have. */
export interface ExactLoss {
  least: number
  most: number
}

export class ExactLineage {
  readonly #partition: Partition
  readonly #causes: Causes
  readonly #weightOf: (row: number) => number
  /** By place within the group: whether a final row descends from it. */
  #kept = new Uint8Array(0)

  /** @param weightOf what a row counts for where it is lost. */
  constructor(partition: Partition, causes: Causes, weightOf: (row: number) => number) {
    this.#partition = partition
    this.#causes = causes
    this.#weightOf = weightOf
  }

  /** The weight of the rows that are lost. */
  lost(group: number): ExactLoss {
    const { starts, dot, version, finals } = this.#partition
    const { known, overwrote } = this.#causes
    const from = starts[group]
    const count = starts[group + 1] - from
    if (count > this.#kept.length) this.#kept = new Uint8Array(count)
    this.#kept.fill(0, 0, count)
    let openBelow = 0
    for (const final of finals) {
      let next = final === null ? 0 : final.dot[group]
      let above = final === null ? 0 : final.version[group]
      while (next !== 0) {
        const row = placeOfDot(this.#partition, group, next)
        // A loaded row, or one that the verdict tells of as unexplained.
        if (row < 0) break
        // What a row replaced has a lower version than the row that replaced this one.
        if (known[row] === 0) openBelow = Math.max(openBelow, above)
        if (this.#kept[row - from] === 1) break
        this.#kept[row - from] = 1
        above = version[row]
        // A write never descends from itself: what a store says of it would lead round in a ring.
        next = overwrote[row] === dot[row] ? 0 : overwrote[row]
      }
    }
    const loss = { least: 0, most: 0 }
    for (let i = 0; i < count; i++) {
      if (this.#kept[i] === 1) continue
      const row = from + i
      const weight = this.#weightOf(row)
      loss.most += weight
      if (version[row] >= openBelow) loss.least += weight
    }
    return loss
  }

  /** The position that a row replaced, as counted from the group's start: −1 for none of the group, −2 where it is not known. */
  parentOf(group: number, row: number): number {
    if (this.#causes.known[row] === 0) return -2
    const dot = this.#causes.overwrote[row]
    const place = dot === 0 ? -1 : placeOfDot(this.#partition, group, dot)
    return place < 0 ? -1 : place - this.#partition.starts[group]
  }
}
