// What independent writers would give: conflicts predicted from the operations really generated and the measured lags.
import { isMeasured } from './conflicts.ts'
import type { Partition } from './partition.ts'

/** How often keys were written in the measured phase, by DC: all that the prediction needs, in whole numbers. */
export class WriteCounts {
  readonly #dcCount: number
  /** Keys by how often each DC wrote them: "3,1" → how many such keys. */
  readonly #keys = new Map<string, number>()
  readonly #row: number[]

  constructor(dcCount: number) {
    this.#dcCount = dcCount
    this.#row = new Array<number>(dcCount).fill(0)
  }

  /** Counts one key's acknowledged stored writes. */
  addKey(partition: Partition, group: number): void {
    const counts = this.#row.fill(0)
    for (let i = partition.starts[group]; i < partition.starts[group + 1]; i++) {
      const row = partition.order[i]
      if (isMeasured(partition, row)) counts[partition.dc[row]]++
    }
    const name = counts.join(',')
    this.#keys.set(name, (this.#keys.get(name) ?? 0) + 1)
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
    for (const name of [...this.#keys.keys()].sort()) {
      const same = this.#keys.get(name) as number
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
