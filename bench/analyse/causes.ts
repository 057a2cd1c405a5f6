// What writes found at their own DC, where causality is exact: beside the rows of a part, in columns.
import { readBlocks } from '../lib/column-file.ts'
import { CAUSES } from '../lib/ledger-format.ts'
import type { DotTable } from './dot-table.ts'
import type { RunData } from './load.ts'
import { placeOfDot, type Partition } from './partition.ts'

/** By row of the part. */
export interface Causes {
  /** 1 where it is known what the write found: acknowledged ones of a store that answers. */
  readonly known: Uint8Array
  /** The dot of the row that the write replaced; 0 for none. */
  readonly overwrote: Float64Array
  /** By DC, the latest dot of it that the write's own DC had taken in; 0 for none, and for the own DC. */
  readonly seen: readonly Float64Array[]
}

/** The causes of a part's rows. Rows of writes that the part does not have are passed over. */
export function readCauses(
  run: RunData,
  partition: Pick<Partition, 'rows' | 'order' | 'starts' | 'dc' | 'dot'>,
  groupOf: DotTable,
): Causes {
  const known = new Uint8Array(partition.rows)
  const overwrote = new Float64Array(partition.rows)
  const seen = run.dcs.map(() => new Float64Array(partition.rows))
  for (const { path } of run.causes) {
    const end = { torn: false, bytes: 0 }
    for (const block of readBlocks(CAUSES, path, end)) {
      for (let i = 0; i < block.rows; i++) {
        const group = block.dot[i] === 0 ? -1 : groupOf.find(block.key[i])
        const place = group < 0 ? -1 : placeOfDot(partition, group, block.dot[i])
        if (place < 0) continue
        const row = partition.order[place]
        known[row] = 1
        overwrote[row] = block.overwrote[i]
        seen[block.peer[i]][row] = block.seen[i]
      }
    }
    if (end.torn) run.torn.add(path)
  }
  return { known, overwrote, seen }
}
