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

/**
 * Adds one key's lost write, if it has one. Final rows of every DC must be there.
 * @param mixedIn DCs whose copy is mixed: which write it shows cannot be told.
 * @param ownOrder whether the store goes by an order of its own instead of the versions.
 */
export function countLostWrite(
  partition: Partition,
  group: number,
  mixedIn: readonly number[],
  ownOrder: boolean,
  total: LostWrites,
): void {
  const latest = ownOrder ? lastSent(partition, group) : highest(partition, group)
  if (latest < 0) return
  let missing = 0
  let resurrected = 0
  for (let dc = 0; dc < partition.finals.length; dc++) {
    const final = partition.finals[dc]
    if (final === null || mixedIn.includes(dc)) continue
    if (ownOrder ? mayHold(partition, group, dc, latest) : holdsVersion(partition, group, dc, latest)) continue
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
  if (missing === partition.finals.length) total.inAll++
  if (resurrected > 0) total.resurrected++
}

/** The acknowledged write with the highest version; none where one that may have happened may have superseded it. */
function highest({ starts, version, outcome }: Partition, group: number): number {
  let latest = -1
  let unknown = Number.NEGATIVE_INFINITY
  for (let row = starts[group]; row < starts[group + 1]; row++) {
    if (outcome[row] !== OUTCOME.ok) unknown = Math.max(unknown, version[row])
    else if (latest < 0 || version[row] > version[latest]) latest = row
  }
  return latest < 0 || unknown > version[latest] ? -1 : latest
}

function lastSent({ starts, sentUs, outcome }: Partition, group: number): number {
  let latest = -1
  for (let row = starts[group]; row < starts[group + 1]; row++) {
    if (outcome[row] === OUTCOME.ok && (latest < 0 || sentUs[row] > sentUs[latest])) latest = row
  }
  return latest
}

function isAbsent({ finals }: Partition, group: number, dc: number): boolean {
  const state = finals[dc]?.state[group] ?? 0
  return state === 0 || state === FINAL_STATE.absent
}

function holdsVersion(partition: Partition, group: number, dc: number, row: number): boolean {
  // A store may keep no tombstone: an absent row is what a delete asked for.
  if (isAbsent(partition, group, dc)) return partition.operation[row] === OPERATION.delete
  return (partition.finals[dc]?.version[group] ?? 0) >= partition.version[row]
}

/** Whether the store may have put what a DC holds above `row`: not where it had been acknowledged before that was sent. */
function mayHold(partition: Partition, group: number, dc: number, row: number): boolean {
  const { starts, operation, ackedUs, sentUs } = partition
  if (isAbsent(partition, group, dc)) {
    for (let other = starts[group]; other < starts[group + 1]; other++) {
      if (operation[other] === OPERATION.delete && ackedUs[other] >= sentUs[row]) return true
    }
    return false
  }
  const place = partition.finals[dc]?.place[group] ?? -1
  return place >= 0 && ackedUs[place] >= sentUs[row]
}
