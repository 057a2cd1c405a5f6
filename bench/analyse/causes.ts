// What writes found at their own DC, where causality is exact: beside the rows of a part, in columns.
import type { LedgerPart } from './ledger-part.ts'
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
  part: LedgerPart,
  partition: Pick<Partition, 'rows' | 'starts' | 'dc' | 'dot' | 'groupOf'>,
  dcCount: number,
): Causes {
  const known = new Uint8Array(partition.rows)
  const overwrote = new Float64Array(partition.rows)
  const seen = Array.from({ length: dcCount }, () => new Float64Array(partition.rows))
  for (const { block } of part.blocks('causes')) {
    for (let i = 0; i < block.rows; i++) {
      const group = partition.groupOf.find(block.key[i])
      const row = group < 0 ? -1 : placeOfDot(partition, group, block.dot[i])
      if (row < 0) continue
      known[row] = 1
      overwrote[row] = block.overwrote[i]
      seen[block.peer[i]][row] = block.seen[i]
    }
  }
  return { known, overwrote, seen }
}
