// With three or more DCs a write can be known of before its own row arrives: another DC's later write of the key, in whose
// causal past it is, may come first. Bounds that do not come from a read of the write itself take that into account.
import type { KeyHistory } from './key-history.ts'
import type { Partition } from './partition.ts'

/** Lowers when the writes of the loaded key became known where, as far as writes of third DCs may or must have told of them. */
export function relayKnowledge(history: KeyHistory, partition: Partition, dcCount: number): void {
  // Each round lets knowledge pass one more DC on its way.
  for (let round = 0; round < dcCount - 2; round++) {
    for (let d = 0; d < dcCount; d++) {
      for (let through = 0; through < dcCount; through++) {
        for (let peer = 0; peer < dcCount; peer++) {
          if (d !== through && d !== peer && through !== peer) relay(history, d, through, peer)
        }
      }
    }
  }
  for (let d = 0; d < dcCount; d++) {
    for (let peer = 0; peer < dcCount; peer++) if (peer !== d) keepWhatReadsProve(history, partition, d, peer)
  }
}

/** What the first write of `through` that has a write of `d` in its past says of that one's arrival at `peer`. */
function relay(history: KeyHistory, d: number, through: number, peer: number): void {
  const { from, sentUs, ackedUs, missUs, hitUs, midUs } = history
  const to = from[through + 1]
  let [possible, about, sure] = [from[through], from[through], from[through]]
  for (let p = from[d]; p < from[d + 1]; p++) {
    while (possible < to && ackedUs[possible] <= missUs[through][p]) possible++
    while (about < to && history.commitUs(about, through) < midUs[through][p]) about++
    while (sure < to && sentUs[sure] < hitUs[through][p]) sure++
    if (possible < to) missUs[peer][p] = Math.min(missUs[peer][p], missUs[peer][possible])
    if (about < to) midUs[peer][p] = Math.min(midUs[peer][p], midUs[peer][about])
    if (sure < to) hitUs[peer][p] = Math.min(hitUs[peer][p], hitUs[peer][sure])
  }
}

/** A read that did not show a write proves that nothing had told of it either: its version would have been at least as high. */
function keepWhatReadsProve(history: KeyHistory, partition: Partition, d: number, peer: number): void {
  const { from, missUs, hitUs, midUs } = history
  const { probeOf } = partition
  const { missSentUs, state } = partition.seen[peer]
  let missed = Number.NEGATIVE_INFINITY
  for (let p = from[d]; p < from[d + 1]; p++) {
    const probe = probeOf[history.row(p)]
    if (probe >= 0 && state[probe] !== 0 && missSentUs[probe] > missed) missed = missSentUs[probe]
    missUs[peer][p] = Math.min(hitUs[peer][p], Math.max(missUs[peer][p], missed))
    midUs[peer][p] = Math.min(hitUs[peer][p], Math.max(missUs[peer][p], midUs[peer][p]))
  }
}
