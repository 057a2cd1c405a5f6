// What each DC held at the end of the keys of a part.
import { readBlocks } from '../lib/column-file.ts'
import { dotIncarnation, PHASE, phaseOf } from '../lib/dot.ts'
import { FINAL } from '../lib/ledger-format.ts'
import type { DotTable } from './dot-table.ts'
import type { RunData } from './load.ts'

/** What one DC held at the end, by key group; `state` 0 means that the key is not in its file. */
export interface FinalRows {
  readonly dot: Float64Array
  readonly version: Float64Array
  readonly state: Uint8Array
}

/** Whether a dot was made by a writer of the measured phase, whose every write is in the ledger. */
export function isOfMeasuredPhase(dot: number): boolean {
  return phaseOf(dotIncarnation(dot)) === PHASE.measure
}

/** Final rows by DC, null where the run has none of it or a torn file; and how many of them have a key of which the ledger has no write. */
export function readFinals(
  run: RunData,
  groupOf: DotTable,
  groups: number,
): { readonly finals: (FinalRows | null)[]; readonly unknown: number } {
  let unknown = 0
  const finals = run.finals.map((path): FinalRows | null => {
    if (path === null) return null
    const final = {
      dot: new Float64Array(groups),
      version: new Float64Array(groups),
      state: new Uint8Array(groups),
    }
    const end = { torn: false, bytes: 0 }
    for (const block of readBlocks(FINAL, path, end)) {
      for (let row = 0; row < block.rows; row++) {
        if (block.state[row] === 0) continue
        const group = groupOf.find(block.key[row])
        if (group < 0) {
          if (block.dot[row] > 0 && isOfMeasuredPhase(block.dot[row])) unknown++
          continue
        }
        final.dot[group] = block.dot[row]
        final.version[group] = block.version[row]
        final.state[group] = block.state[row]
      }
    }
    if (!end.torn) return final
    // Keys after the tear would look as if nothing were held of them.
    run.torn.add(path)
    return null
  })
  return { finals, unknown }
}
