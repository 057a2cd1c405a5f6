// Reordered writes: seen in another DC only after a write of the same DC that was sent once they had been acknowledged.
import { OUTCOME } from '../contract/outcome.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { linkIndex } from './link-index.ts'
import type { Partition } from './partition.ts'

/** Clean probes that are compared: bounds the memory of a run of any length. */
const PROBES_KEPT = 2_000_000

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
  /** 1 where the read can have shown no later write of that DC: one that was lost and written over is late, not out of order. */
  readonly own: number[]
}

/** Gathers the clean probes of all links, and compares each with all others of its link. */
export class ArrivalOrder {
  readonly #dcCount: number
  readonly #links: readonly LinkArrivals[]
  readonly #most: number

  constructor(dcCount: number) {
    this.#dcCount = dcCount
    this.#links = Array.from({ length: dcCount ** 2 }, () => ({
      sentUs: [],
      ackedUs: [],
      missUs: [],
      hitUs: [],
      own: [],
    }))
    this.#most = Math.floor(PROBES_KEPT / Math.max(1, dcCount * (dcCount - 1)))
  }

  /** Takes in the clean probes of one key's acknowledged writes. */
  addKey(partition: Partition, group: number): void {
    const { order, starts, dc, outcome, sentUs, ackedUs, seen } = partition
    for (let place = starts[group]; place < starts[group + 1]; place++) {
      const row = order[place]
      if (outcome[row] !== OUTCOME.ok) continue
      const next = place + 1 < starts[group + 1] ? order[place + 1] : -1
      const nextSentUs = next >= 0 && dc[next] === dc[row] ? sentUs[next] : Number.POSITIVE_INFINITY
      for (const [peer, { probeOf, state, missSentUs, hitReturnedUs }] of seen.entries()) {
        const probe = probeOf[row]
        if (probe < 0 || state[probe] !== PROBE_STATE.hit) continue
        const link = this.#links[linkIndex(this.#dcCount, dc[row], peer)]
        if (link.sentUs.length >= this.#most) continue
        const miss = missSentUs[probe]
        link.sentUs.push(sentUs[row])
        link.ackedUs.push(ackedUs[row])
        link.missUs.push(Number.isNaN(miss) ? sentUs[row] : Math.max(miss, sentUs[row]))
        link.hitUs.push(hitReturnedUs[probe])
        link.own.push(hitReturnedUs[probe] < nextSentUs ? 1 : 0)
      }
    }
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
function compareLink({ sentUs, ackedUs, missUs, hitUs, own }: LinkArrivals): Reordered {
  const count = sentUs.length
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
