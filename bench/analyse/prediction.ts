// What independent writers would give: conflicts predicted from the operations really generated and the measured lags.
import { isMeasured } from './conflicts.ts'
import type { Partition } from './partition.ts'

const SELDOM = 16
const DIGITS_MAX = 4

/** How often keys were written in the measured phase, by DC: all that the prediction needs, in whole numbers. */
export class WriteCounts {
  readonly #dcCount: number
  /** Keys by how often each DC wrote them: "3,1" → how many such keys. */
  readonly #keys = new Map<string, number>()
  readonly #row: number[]
  /** The same of those that every DC wrote less than SELDOM times, by the counts as digits: nearly all keys. */
  readonly #seldom: Uint32Array

  constructor(dcCount: number) {
    this.#dcCount = dcCount
    this.#row = new Array<number>(dcCount).fill(0)
    this.#seldom = new Uint32Array(dcCount <= DIGITS_MAX ? SELDOM ** dcCount : 0)
  }

  /** Counts one key's acknowledged stored writes. */
  addKey(partition: Partition, group: number): void {
    const counts = this.#row
    for (let d = 0; d < counts.length; d++) counts[d] = 0
    for (let row = partition.starts[group]; row < partition.starts[group + 1]; row++) {
      if (isMeasured(partition, row)) counts[partition.dc[row]]++
    }
    let digits = this.#seldom.length > 0 ? 0 : -1
    for (let d = 0; d < counts.length && digits >= 0; d++) {
      digits = counts[d] < SELDOM ? digits * SELDOM + counts[d] : -1
    }
    if (digits >= 0) this.#seldom[digits]++
    else this.#add(counts.join(','), 1)
  }

  #add(name: string, keys: number): void {
    this.#keys.set(name, (this.#keys.get(name) ?? 0) + keys)
  }

  /** Keys by how often each DC wrote them, as text; in the order of the text. */
  keys(): [counts: string, keys: number][] {
    for (let digits = 0; digits < this.#seldom.length; digits++) {
      if (this.#seldom[digits] === 0) continue
      const counts = this.#row.map((_, d) => Math.floor(digits / SELDOM ** (this.#dcCount - 1 - d)) % SELDOM)
      this.#add(counts.join(','), this.#seldom[digits])
      this.#seldom[digits] = 0
    }
    return [...this.#keys].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** Takes in what another thread counted. */
  add(keys: readonly (readonly [counts: string, keys: number])[]): void {
    for (const [counts, same] of keys) this.#add(counts, same)
  }

  /**
   * @param windowUs by directed link (see `linkIndex`): mean time from visible at home to visible there.
   * @param lengthUs of the measured phase.
   */
  predict(windowUs: readonly number[], lengthUs: number): Prediction {
    const dcs = this.#dcCount
    const overlap = (d: number, e: number) =>
      overlapUs(windowUs[d * dcs + e], windowUs[e * dcs + d], lengthUs) / lengthUs
    const places = Array.from({ length: dcs }, (_, place) => place)
    const shares = places.map((d) => places.map((e) => overlap(d, e)))
    let pairs = 0
    let keys = 0
    const inConflict = new Array<number>(dcs).fill(0)
    const writes = new Array<number>(dcs).fill(0)
    // Sorted, so that the sums are the same whatever order the keys came in.
    for (const [name, same] of this.keys()) {
      const counts = name.split(',').map(Number)
      let keyPairs = 0
      for (let d = 0; d < dcs; d++) {
        let partners = 0
        for (let e = 0; e < dcs; e++) {
          if (e === d) continue
          partners += counts[e] * shares[d][e]
          if (d < e) keyPairs += counts[d] * counts[e] * shares[d][e]
        }
        writes[d] += same * counts[d]
        inConflict[d] += same * counts[d] * -Math.expm1(-partners)
      }
      pairs += same * keyPairs
      keys += same * -Math.expm1(-keyPairs)
    }
    const share = (d: number) => (writes[d] === 0 ? null : inConflict[d] / writes[d])
    const all = writes.reduce((sum, n) => sum + n, 0)
    return {
      pairsPerSecond: (pairs / lengthUs) * 1e6,
      keysPerSecond: (keys / lengthUs) * 1e6,
      share: all === 0 ? null : inConflict.reduce((sum, n) => sum + n, 0) / all,
      shareByDc: places.map(share),
    }
  }
}

export interface Prediction {
  readonly pairsPerSecond: number
  readonly keysPerSecond: number
  /** Of all DCs' writes; null when there are none. */
  readonly share: number | null
  readonly shareByDc: readonly (number | null)[]
}

/**
 * The part of the square "a at any time × b at any time" of the phase in which the pair is concurrent, over the phase's
 * length: W_AB + W_BA, less what the phase's two ends cut off, since both partners are of the phase.
 */
function overlapUs(thereUs: number, backUs: number, lengthUs: number): number {
  const there = Math.min(Math.max(0, thereUs), lengthUs)
  const back = Math.min(Math.max(0, backUs), lengthUs)
  return there + back - (there * there + back * back) / (2 * lengthUs)
}
