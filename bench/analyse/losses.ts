// Lost writes: acknowledged, and at the end some DC's row is absent or older, with nothing that superseded it.
import { OPERATION } from '../contract/table.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { FINAL_STATE } from '../lib/ledger-format.ts'
import type { Partition } from './partition.ts'

/** Over the whole run, at most one a key. */
export interface LostWrites {
  /** Keys whose latest acknowledged write is missing in at least one DC, and those where it is missing in all. */
  inSome: number
  inAll: number
  /** By DC: where it is missing, and by DC that wrote it. */
  readonly missingIn: number[]
  readonly writtenBy: number[]
  /** Those of them whose lost write is a delete, and content of an older write stands in some DC; and by DC where it stands. */
  resurrected: number
  readonly resurrectedIn: number[]
}

export function newLostWrites(dcCount: number): LostWrites {
  const zeros = () => new Array<number>(dcCount).fill(0)
  return { inSome: 0, inAll: 0, missingIn: zeros(), writtenBy: zeros(), resurrected: 0, resurrectedIn: zeros() }
}

/** Adds one key's lost write, if it has one. Final rows of every DC must be there. */
export function countLostWrite(partition: Partition, group: number, total: LostWrites): void {
  const { order, starts, version, outcome, finals } = partition
  let latest = -1
  let unknown = Number.NEGATIVE_INFINITY
  for (let i = starts[group]; i < starts[group + 1]; i++) {
    const row = order[i]
    if (outcome[row] !== OUTCOME.ok) unknown = Math.max(unknown, version[row])
    else if (latest < 0 || version[row] > version[latest]) latest = row
  }
  // A write that may have happened may have superseded it: nothing can be said.
  if (latest < 0 || unknown > version[latest]) return
  let missing = 0
  let resurrected = 0
  for (const [dc, final] of finals.entries()) {
    if (final === null || holds(partition, latest, final.state[group], final.version[group])) continue
    missing++
    total.missingIn[dc]++
    // What is held is older than the delete: with content, the row has come back.
    if (partition.operation[latest] !== OPERATION.delete || final.state[group] === FINAL_STATE.deleted) continue
    resurrected++
    total.resurrectedIn[dc]++
  }
  if (missing === 0) return
  total.inSome++
  total.writtenBy[partition.dc[latest]]++
  if (missing === finals.length) total.inAll++
  if (resurrected > 0) total.resurrected++
}

function holds(partition: Partition, row: number, state: number, version: number): boolean {
  const absent = state === 0 || state === FINAL_STATE.absent
  // A store may keep no tombstone: an absent row is what a delete asked for.
  if (absent) return partition.operation[row] === OPERATION.delete
  return version >= partition.version[row]
}
