// Mixed rows: at the end a DC holds content that no write made, or a row that is not what its own dot asked for.
import { OPERATION } from '../contract/table.ts'
import { dotIncarnation } from '../lib/dot.ts'
import { FINAL_STATE } from '../lib/ledger-format.ts'
import { placeOfDot, type Partition } from './partition.ts'

/** Keys over the whole run; `heldBy` by DC. */
export interface MixedRows {
  keys: number
  readonly heldBy: number[]
}

export function newMixedRows(dcCount: number): MixedRows {
  return { keys: 0, heldBy: new Array<number>(dcCount).fill(0) }
}

/** Adds one key. DCs without final rows say nothing. */
export function countMixedRow(partition: Partition, group: number, total: MixedRows): void {
  let holders = 0
  for (const [dc, final] of partition.finals.entries()) {
    if (final === null) continue
    const state = final.state[group]
    if (state !== FINAL_STATE.mixed && !contradicts(partition, group, final.dot[group], state)) continue
    holders++
    total.heldBy[dc]++
  }
  if (holders > 0) total.keys++
}

/** Content where the dot deleted the row, or a tombstone where it wrote it. */
function contradicts(partition: Partition, group: number, dot: number, state: number): boolean {
  if (state !== FINAL_STATE.whole && state !== FINAL_STATE.deleted) return false
  const isDelete = operationOf(partition, group, dot) === OPERATION.delete
  const isKnown = isLoaded(dot) || placeOfDot(partition, group, dot) >= 0
  return isKnown && isDelete !== (state === FINAL_STATE.deleted)
}

/** Loaded rows have incarnation 0, and no line in the ledger. */
const isLoaded = (dot: number): boolean => dotIncarnation(dot) === 0

function operationOf(partition: Partition, group: number, dot: number): number {
  const place = placeOfDot(partition, group, dot)
  return place < 0 ? OPERATION.upsert : partition.operation[partition.order[place]]
}
