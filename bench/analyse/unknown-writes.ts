// Writes whose outcome the client never learned: which of them something shows to have happened, and which may have.
import type { Capabilities } from '../contract/driver.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION } from '../contract/table.ts'
import { FINAL_STATE, PROBE_STATE } from '../lib/ledger-format.ts'
import type { Partition } from './partition.ts'

/** By DC that wrote, over the whole run; those that a later write of their own batch replaced are left out. */
export interface UnknownWrites {
  asked: number
  /** Something shows that it happened. */
  present: number
  /** Or a newer row may hide it. */
  possible: number
}

/** Adds the unknown writes of one key. */
export function countUnknownWrites(
  partition: Partition,
  group: number,
  conflicts: Capabilities['conflicts'],
  byDc: readonly UnknownWrites[],
): void {
  const { starts, outcome, dc, dot } = partition
  // Seldom has a key any; then its writes are looked through once for all of them.
  let named: ReadonlySet<number> | undefined
  for (let row = starts[group]; row < starts[group + 1]; row++) {
    if (outcome[row] === OUTCOME.ok) continue
    const counts = byDc[dc[row]]
    counts.asked++
    named ??= namedCauses(partition, group)
    const present = isFinal(partition, group, row) || isSeen(partition, group, row) || named.has(dot[row])
    if (present) counts.present++
    if (present || mayBeHidden(partition, group, row, conflicts)) counts.possible++
  }
}

function isFinal(partition: Partition, group: number, row: number): boolean {
  return partition.finals.some((final) => final !== null && final.place[group] === row)
}

/** A probe's hit may be a later write of the same DC: it proves this one only where none had been sent by then. */
function isSeen(partition: Partition, group: number, row: number): boolean {
  const { starts, dc, sentUs, probeOf, seen } = partition
  const probe = probeOf[row]
  if (probe < 0) return false
  const next = row + 1 < starts[group + 1] ? row + 1 : -1
  const nextSentUs = next >= 0 && dc[next] === dc[row] ? sentUs[next] : Number.POSITIVE_INFINITY
  return seen.some(({ state, hitReturnedUs }) => state[probe] === PROBE_STATE.hit && hitReturnedUs[probe] < nextSentUs)
}

/** Where causality is exact: the unknown writes of a key that another one replaced, or found to be the latest of their DC. */
function namedCauses({ starts, dot, outcome, causes }: Partition, group: number): ReadonlySet<number> {
  const named = new Set<number>()
  if (causes === null) return named
  const unknown = new Set<number>()
  for (let row = starts[group]; row < starts[group + 1]; row++) if (outcome[row] !== OUTCOME.ok) unknown.add(dot[row])
  for (let row = starts[group]; row < starts[group + 1]; row++) {
    for (const found of [causes.overwrote, ...causes.seen]) if (unknown.has(found[row])) named.add(found[row])
  }
  return named
}

/** Where rows are compared by version, a DC that took a write in ends with that version or a higher one. */
function mayBeHidden(partition: Partition, group: number, row: number, conflicts: Capabilities['conflicts']): boolean {
  if (conflicts === 'diverges' || conflicts === 'merge') return true
  return partition.finals.some((final) => {
    if (final === null) return true
    const absent = final.state[group] === 0 || final.state[group] === FINAL_STATE.absent
    return absent ? partition.operation[row] === OPERATION.delete : final.version[group] >= partition.version[row]
  })
}
