// What the probes say of a part's rows: probes are few beside the rows, and each finds the row that it looked for.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import type { ColumnRoom } from './column-room.ts'
import { WORD_OF_ROW } from './grouping.ts'
import type { LedgerPart } from './ledger-part.ts'
import { placeOfDot, type Partition } from './partition.ts'

/** What one DC's probes say, by the place of a row's probes; `state` 0 is none. */
export interface Seen {
  /** NaN where no read missed it. */
  readonly missSentUs: Float64Array
  readonly hitReturnedUs: Float64Array
  readonly state: Uint8Array
}

/** The probes of a part's rows, by the DC that looked. */
export function readSeen(
  part: LedgerPart,
  partition: Pick<Partition, 'rows' | 'starts' | 'dc' | 'dot' | 'groupOf'>,
  dcCount: number,
  room: ColumnRoom,
): Pick<Partition, 'probeOf' | 'seen'> {
  // Which group a row is of is known by now from where it stands.
  const memory = room.u32(WORD_OF_ROW, partition.rows)
  const probeOf = new Int32Array(memory.buffer, 0, memory.length).fill(-1, 0, partition.rows)
  const placesAtMost = part.rows('probes')
  const seen = Array.from({ length: dcCount }, (_, dc): Seen => ({
    missSentUs: room.f64(`missSentUs ${dc}`, placesAtMost).fill(Number.NaN, 0, placesAtMost),
    hitReturnedUs: room.f64(`hitReturnedUs ${dc}`, placesAtMost).fill(Number.NaN, 0, placesAtMost),
    state: room.u8(`probe state ${dc}`, placesAtMost).fill(0, 0, placesAtMost),
  }))
  let places = 0
  for (const { dcIndex, block } of part.blocks('probes')) {
    const { missSentUs, hitReturnedUs, state } = seen[dcIndex]
    for (let i = 0; i < block.rows; i++) {
      // A probe that was given up unread says nothing, as if it had not been asked.
      if (block.state[i] === PROBE_STATE.dropped) continue
      const group = partition.groupOf.find(block.key[i])
      const row = group < 0 ? -1 : placeOfDot(partition, group, block.dot[i])
      if (row < 0) continue
      if (probeOf[row] < 0) probeOf[row] = places++
      const place = probeOf[row]
      missSentUs[place] = block.missSentUs[i]
      hitReturnedUs[place] = block.hitReturnedUs[i]
      state[place] = block.state[i]
    }
  }
  return { probeOf, seen }
}
