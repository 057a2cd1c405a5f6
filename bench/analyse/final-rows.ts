// What each DC held at the end of the keys of a part.
import { dotIncarnation, PHASE, phaseOf } from '../lib/dot.ts'
import type { ColumnRoom } from './column-room.ts'
import type { LedgerPart } from './ledger-part.ts'
import { placeOfDot, type Partition } from './partition.ts'

/** What one DC held at the end, by key group; `state` 0 means that the key is not in its file. */
export interface FinalRows {
  readonly dot: Float64Array
  readonly version: Float64Array
  readonly state: Uint8Array
  /** The row of the part with this dot, or −1. */
  readonly place: Int32Array
}

/** Whether a dot was made by a writer of the measured phase, whose every write is in the ledger. */
export function isOfMeasuredPhase(dot: number): boolean {
  return phaseOf(dotIncarnation(dot)) === PHASE.measure
}

/** Final rows by DC, null where they are not known; and how many of them have a key of which the ledger has no write. */
export function readFinals(
  part: LedgerPart,
  partition: Pick<Partition, 'groups' | 'groupOf' | 'starts' | 'dc' | 'dot'>,
  known: readonly boolean[],
  room: ColumnRoom,
): { readonly finals: (FinalRows | null)[]; readonly unknown: number } {
  const { groups, groupOf } = partition
  const finals = known.map((isKnown, dc): FinalRows | null =>
    isKnown
      ? {
          dot: room.f64(`final dot ${dc}`, groups).fill(0, 0, groups),
          version: room.f64(`final version ${dc}`, groups).fill(0, 0, groups),
          state: room.u8(`final state ${dc}`, groups).fill(0, 0, groups),
          place: room.i32(`final place ${dc}`, groups).fill(-1, 0, groups),
        }
      : null,
  )
  let unknown = 0
  for (const { dcIndex, block } of part.blocks('finals')) {
    const final = finals[dcIndex]
    if (final === null) continue
    const { key, dot, version, state } = block
    for (let row = 0; row < block.rows; row++) {
      const group = groupOf.find(key[row])
      if (group < 0) {
        if (dot[row] > 0 && isOfMeasuredPhase(dot[row])) unknown++
        continue
      }
      final.dot[group] = dot[row]
      final.version[group] = version[row]
      final.state[group] = state[row]
      final.place[group] = placeOfDot(partition, group, dot[row])
    }
  }
  return { finals, unknown }
}
