// What the probes say of a part's rows: probes are few beside the rows, and are found by their dots.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { DotTable } from './dot-table.ts'
import { probeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

/** What one DC's probes say. A row only holds the place of its probe, or −1. */
export interface Seen {
  readonly probeOf: Int32Array
  readonly missSentUs: Float64Array
  readonly hitReturnedUs: Float64Array
  readonly state: Uint8Array
}

/** The probes of a part's rows, by the DC that looked. */
export function readSeen(run: RunData, rowDots: Float64Array): Seen[] {
  const probed = new DotTable(1024)
  const counts = new Float64Array(run.dcs.length)
  for (const { peerIndex, block } of probeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0) continue
      probed.place(block.dot[row])
      counts[peerIndex]++
    }
  }
  const rowOf = new Int32Array(probed.size).fill(-1)
  for (let i = 0; i < rowDots.length; i++) {
    const place = probed.find(rowDots[i])
    if (place >= 0) rowOf[place] = i
  }
  const seen = Array.from(counts, (count): Seen => ({
    probeOf: new Int32Array(rowDots.length).fill(-1),
    missSentUs: new Float64Array(count),
    hitReturnedUs: new Float64Array(count),
    state: new Uint8Array(count),
  }))
  const next = new Uint32Array(run.dcs.length)
  for (const { peerIndex, block } of probeBlocks(run)) {
    const { probeOf, missSentUs, hitReturnedUs, state } = seen[peerIndex]
    for (let row = 0; row < block.rows; row++) {
      // A probe that was given up unread says nothing, as if it had not been asked.
      if (block.dot[row] === 0 || block.state[row] === PROBE_STATE.dropped) continue
      const i = rowOf[probed.find(block.dot[row])]
      if (i < 0) continue
      const place = next[peerIndex]++
      probeOf[i] = place
      missSentUs[place] = block.missSentUs[row]
      hitReturnedUs[place] = block.hitReturnedUs[row]
      state[place] = block.state[row]
    }
  }
  return seen
}
