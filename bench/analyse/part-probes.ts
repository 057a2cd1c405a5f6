// What the probes say of a part's rows: probes are few beside the rows, and are found by their dots.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { DotTable } from './dot-table.ts'
import { probeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

/** What one DC's probes say. A row only holds the place of its probes, the same for every DC that looked, or −1; `state` 0 is none. */
export interface Seen {
  readonly probeOf: Int32Array
  /** NaN where no read missed it. */
  readonly missSentUs: Float64Array
  readonly hitReturnedUs: Float64Array
  readonly state: Uint8Array
}

/** The probes of a part's rows, by the DC that looked. */
export function readSeen(run: RunData, rowDots: Float64Array): Seen[] {
  const probed = new DotTable(1024)
  for (const { block } of probeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) if (block.dot[row] !== 0) probed.place(block.dot[row])
  }
  const probeOf = new Int32Array(rowDots.length)
  for (let i = 0; i < rowDots.length; i++) probeOf[i] = probed.find(rowDots[i])
  const seen = run.dcs.map((): Seen => ({
    probeOf,
    missSentUs: new Float64Array(probed.size).fill(Number.NaN),
    hitReturnedUs: new Float64Array(probed.size).fill(Number.NaN),
    state: new Uint8Array(probed.size),
  }))
  for (const { peerIndex, block } of probeBlocks(run)) {
    const { missSentUs, hitReturnedUs, state } = seen[peerIndex]
    for (let row = 0; row < block.rows; row++) {
      // A probe that was given up unread says nothing, as if it had not been asked.
      if (block.dot[row] === 0 || block.state[row] === PROBE_STATE.dropped) continue
      const place = probed.find(block.dot[row])
      missSentUs[place] = block.missSentUs[row]
      hitReturnedUs[place] = block.hitReturnedUs[row]
      state[place] = block.state[row]
    }
  }
  return seen
}
