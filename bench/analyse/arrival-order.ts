// Reordered writes: seen in another DC only after a write of the same DC that was sent once they had been acknowledged.
import { OUTCOME } from '../contract/outcome.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { linkIndex } from './link-index.ts'
import { addArrivals, newArrivals, placeFor, type Arrivals } from './link-arrivals.ts'
import type { Partition } from './partition.ts'

/** Clean probes that are compared: bounds the memory of a run of any length. */
const PROBES_KEPT = 2_000_000

/** Probed writes of one link over the whole run: how many were compared, and which were seen out of order. */
export interface Reordered {
  compared: number
  surely: number
  possibly: number
}

/** Gathers the clean probes of all links, and compares each with all others of its link. */
export class ArrivalOrder {
  readonly #dcCount: number
  readonly #most: number
  /** By origin × peer (see `linkIndex`): what was gathered. */
  readonly links: readonly Arrivals[]

  constructor(dcCount: number, probesKept = PROBES_KEPT) {
    this.#dcCount = dcCount
    this.links = Array.from({ length: dcCount ** 2 }, newArrivals)
    this.#most = Math.floor(probesKept / Math.max(1, dcCount * (dcCount - 1)))
  }

  /** Takes in the clean probes of one key's acknowledged writes. */
  addKey(partition: Partition, group: number): void {
    const { starts, probeOf } = partition
    const to = starts[group + 1]
    for (let row = starts[group]; row < to; row++) {
      if (probeOf[row] >= 0) this.#addRow(partition, row, row + 1 < to ? row + 1 : -1)
    }
  }

  #addRow({ dc, dot, outcome, sentUs, ackedUs, probeOf, seen }: Partition, row: number, next: number): void {
    if (outcome[row] !== OUTCOME.ok) return
    const nextSentUs = next >= 0 && dc[next] === dc[row] ? sentUs[next] : Number.POSITIVE_INFINITY
    const probe = probeOf[row]
    for (let peer = 0; peer < seen.length; peer++) {
      const { state, missSentUs, hitReturnedUs } = seen[peer]
      if (state[probe] !== PROBE_STATE.hit) continue
      const link = this.links[linkIndex(this.#dcCount, dc[row], peer)]
      const at = placeFor(link, dot[row], this.#most)
      if (at < 0) continue
      const miss = missSentUs[probe]
      link.sentUs[at] = sentUs[row]
      link.ackedUs[at] = ackedUs[row]
      link.missUs[at] = Number.isNaN(miss) ? sentUs[row] : Math.max(miss, sentUs[row])
      link.hitUs[at] = hitReturnedUs[probe]
      link.own[at] = hitReturnedUs[probe] < nextSentUs ? 1 : 0
    }
  }

  /** Takes in what another thread gathered. */
  add(links: readonly Arrivals[]): void {
    for (const [link, arrivals] of links.entries()) addArrivals(this.links[link], arrivals, this.#most)
  }

  /** By origin × peer (see `linkIndex`). */
  compare(): Reordered[] {
    return this.links.map(compareLink)
  }
}

/**
 * A write is surely late when the read that showed a later one returned before the last one that missed it was sent, and
 * possibly when the later one may have been visible, after its last miss, before the first hit of the earlier.
 */
function compareLink({ count, sentUs, ackedUs, missUs, hitUs, own }: Arrivals): Reordered {
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => sentUs[a] - sentUs[b])
  // Of all that were sent from a place on: the earliest hit, and the earliest last miss.
  const earliestHit = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY)
  const earliestMiss = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY)
  for (let place = count - 1; place >= 0; place--) {
    earliestHit[place] = Math.min(earliestHit[place + 1], hitUs[order[place]])
    earliestMiss[place] = Math.min(earliestMiss[place + 1], missUs[order[place]])
  }
  const found = { compared: 0, surely: 0, possibly: 0 }
  for (let i = 0; i < count; i++) {
    if (own[i] === 0) continue
    found.compared++
    const place = firstSentFrom(order, sentUs, ackedUs[i])
    if (earliestHit[place] <= missUs[i]) found.surely++
    if (earliestMiss[place] < hitUs[i]) found.possibly++
  }
  return found
}

/** The first place whose write was sent at `atUs` or later. */
function firstSentFrom(order: Uint32Array, sentUs: Float64Array, atUs: number): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sentUs[order[middle]] >= atUs) high = middle
    else low = middle + 1
  }
  return low
}
