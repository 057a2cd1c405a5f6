// Reordered writes: seen in another DC only after a write of the same DC that was sent once they had been acknowledged.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import type { ProbedWrites } from './probed-writes.ts'

/** Clean probes that are compared: bounds the memory of a run of any length. */
const PROBES_KEPT = 4_000_000

/** Probed writes of one link over the whole run: how many were compared, and which were seen out of order. */
export interface Reordered {
  compared: number
  surely: number
  possibly: number
}

/** Clean probes of one link, in columns that grow. Times are µs since the epoch. */
interface LinkArrivals {
  readonly sentUs: number[]
  readonly ackedUs: number[]
  readonly missUs: number[]
  readonly hitUs: number[]
}

/** Gathers the clean probes of all links, and compares each with all others of its link. */
export class ArrivalOrder {
  readonly #links: readonly LinkArrivals[]
  readonly #most: number

  /** @param probesKept clean probes compared over all; each link has an equal part of them, its first ones. */
  constructor(dcCount: number, probesKept = PROBES_KEPT) {
    this.#links = Array.from({ length: dcCount ** 2 }, () => ({ sentUs: [], ackedUs: [], missUs: [], hitUs: [] }))
    this.#most = Math.max(1, Math.floor(probesKept / Math.max(1, dcCount * (dcCount - 1))))
  }

  /** Takes in one probe of an acknowledged write; only clean ones say when it was seen. */
  add(linkPlace: number, probes: ProbedWrites, i: number): void {
    const link = this.#links[linkPlace]
    if (probes.state[i] !== PROBE_STATE.hit || link.sentUs.length >= this.#most) return
    const miss = probes.missSentUs[i]
    link.sentUs.push(probes.sentUs[i])
    link.ackedUs.push(probes.ackedUs[i])
    link.missUs.push(Number.isNaN(miss) ? probes.sentUs[i] : Math.max(miss, probes.sentUs[i]))
    link.hitUs.push(probes.hitReturnedUs[i])
  }

  /** By origin × peer (see `linkIndex`). */
  compare(): Reordered[] {
    return this.#links.map(compareLink)
  }
}

/**
 * A write is surely late when the read that showed a later one returned before the last one that missed it was sent, and
 * possibly when the later one may have been visible, after its last miss, before the first hit of the earlier.
 */
function compareLink({ sentUs, ackedUs, missUs, hitUs }: LinkArrivals): Reordered {
  const count = sentUs.length
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => sentUs[a] - sentUs[b])
  // Of all that were sent from a place on: the earliest hit, and the earliest last miss.
  const earliestHit = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY)
  const earliestMiss = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY)
  for (let place = count - 1; place >= 0; place--) {
    earliestHit[place] = Math.min(earliestHit[place + 1], hitUs[order[place]])
    earliestMiss[place] = Math.min(earliestMiss[place + 1], missUs[order[place]])
  }
  const found = { compared: count, surely: 0, possibly: 0 }
  for (let i = 0; i < count; i++) {
    const place = firstSentFrom(order, sentUs, ackedUs[i])
    if (earliestHit[place] <= missUs[i]) found.surely++
    if (earliestMiss[place] < hitUs[i]) found.possibly++
  }
  return found
}

/** The first place whose write was sent at `atUs` or later. */
function firstSentFrom(order: Uint32Array, sentUs: readonly number[], atUs: number): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sentUs[order[middle]] >= atUs) high = middle
    else low = middle + 1
  }
  return low
}
