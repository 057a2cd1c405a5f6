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
  const { order, starts, outcome, dc, dot } = partition
  // Seldom has a key any; then its writes are looked through once for all of them.
  let named: ReadonlySet<number> | undefined
  for (let place = starts[group]; place < starts[group + 1]; place++) {
    const row = order[place]
    if (outcome[row] === OUTCOME.ok) continue
    const counts = byDc[dc[row]]
    counts.asked++
    named ??= namedCauses(partition, group)
    const present = isFinal(partition, group, row) || isSeen(partition, group, place) || named.has(dot[row])
    if (present) counts.present++
    if (present || mayBeHidden(partition, group, row, conflicts)) counts.possible++
  }
}

function isFinal(partition: Partition, group: number, row: number): boolean {
  return partition.finals.some((final) => final !== null && final.dot[group] === partition.dot[row])
}

/** A probe's hit may be a later write of the same DC: it proves this one only where none had been sent by then. */
function isSeen(partition: Partition, group: number, place: number): boolean {
  const { order, starts, dc, sentUs, seen } = partition
  const row = order[place]
  const next = place + 1 < starts[group + 1] ? order[place + 1] : -1
  const nextSentUs = next >= 0 && dc[next] === dc[row] ? sentUs[next] : Number.POSITIVE_INFINITY
  return seen.some(({ probeOf, state, hitReturnedUs }) => {
    const probe = probeOf[row]
    return probe >= 0 && state[probe] === PROBE_STATE.hit && hitReturnedUs[probe] < nextSentUs
  })
}

/** Where causality is exact: the unknown writes of a key that another one replaced, or found to be the latest of their DC. */
function namedCauses({ order, starts, dot, outcome, causes }: Partition, group: number): ReadonlySet<number> {
  const named = new Set<number>()
  if (causes === null) return named
  const unknown = new Set<number>()
  const rows = order.subarray(starts[group], starts[group + 1])
  for (const row of rows) if (outcome[row] !== OUTCOME.ok) unknown.add(dot[row])
  for (const row of rows) {
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
