// Which share of the acknowledged writes every other DC showed by the end of the measured phase, from the probed ones.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { isMeasured } from './conflicts.ts'
import type { Partition } from './partition.ts'

/** By DC that wrote: probed writes acknowledged in the phase about which every other DC's probe says something. */
export interface VisibleCounts {
  probed: number
  /** A read in every other DC had shown it by the end. */
  shown: number
  /** It may have been visible everywhere by then, though no read had shown it yet. */
  possible: number
}

/** Adds the writes of a partition. */
export function countVisible(partition: Partition, endUs: number, byDc: readonly VisibleCounts[]): void {
  for (let row = 0; row < partition.rows; row++) {
    const probe = partition.probeOf[row]
    if (probe < 0 || !isMeasured(partition, row) || partition.ackedUs[row] > endUs) continue
    let asked = 0
    let shown = 0
    let possible = 0
    for (const [peer, seen] of partition.seen.entries()) {
      if (peer === partition.dc[row]) continue
      if (seen.state[probe] === 0 || seen.state[probe] === PROBE_STATE.overshadowed) continue
      asked++
      if (seen.state[probe] !== PROBE_STATE.hit) continue
      if (seen.hitReturnedUs[probe] <= endUs) shown++
      if (!(seen.missSentUs[probe] >= endUs)) possible++
    }
    const peers = partition.seen.length - 1
    if (peers === 0 || asked < peers) continue
    const counts = byDc[partition.dc[row]]
    counts.probed++
    if (shown === peers) counts.shown++
    if (possible === peers) counts.possible++
  }
}
