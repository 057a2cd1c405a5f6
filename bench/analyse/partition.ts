// One part of the key space in memory, in typed arrays, its rows key by key: what conflicts and losses are found in.
import { dotDc } from '../lib/dot.ts'
import { readCauses, type Causes } from './causes.ts'
import type { ColumnRoom } from './column-room.ts'
import type { DotTable } from './dot-table.ts'
import { isOfMeasuredPhase, readFinals, type FinalRows } from './final-rows.ts'
import { groupKeys, sortWithinGroups } from './grouping.ts'
import type { LedgerPart } from './ledger-part.ts'
import { ackedUs, maybeStored, sentUs } from './ledger-rows.ts'
import { readSeen, type Seen } from './part-probes.ts'

/**
 * Rows key by key, within a key DC by DC, within a DC in the order of the dots. Only writes that are or may be stored; times
 * in µs since the epoch. Columns may be longer than there are rows. Valid until the next part is loaded into the same room.
 */
export interface Partition {
  readonly rows: number
  readonly dot: Float64Array
  readonly version: Float64Array
  readonly sentUs: Float64Array
  /** Infinite where never acknowledged. */
  readonly ackedUs: Float64Array
  readonly outcome: Uint8Array
  readonly operation: Uint8Array
  readonly phase: Uint8Array
  readonly dc: Uint8Array
  /** The place of a row's probes, the same for every DC that looked, or −1. */
  readonly probeOf: Int32Array
  /** By the DC that looked. */
  readonly seen: readonly Seen[]
  /** By DC; null where the run has no final rows of it. */
  readonly finals: readonly (FinalRows | null)[]
  /** What writes found at their own DC; null where causality was not exact. */
  readonly causes: Causes | null
  readonly groups: number
  /** By group. */
  readonly groupKey: Float64Array
  /** Key → group. */
  readonly groupOf: DotTable
  /** Group g is the rows starts[g] … starts[g + 1] − 1. */
  readonly starts: Uint32Array
  /** Rows of the finals whose dot no write of the ledger has: stored without having been asked for. */
  readonly unexplained: number
}

/** What of a run says how its parts are read. */
export interface PartFacts {
  readonly dcCount: number
  /** By DC: whether its final rows are known. */
  readonly finals: readonly boolean[]
  readonly causes: boolean
}

/** Loads a part. `table` is used for it from one part to the next, as `room` is. */
export function loadPartition(part: LedgerPart, facts: PartFacts, room: ColumnRoom, table: DotTable): Partition {
  const grouping = groupKeys(part, room, table)
  const { rows, groups, starts, groupOfRow } = grouping
  const columns = {
    dot: room.f64('dot', rows),
    version: room.f64('version', rows),
    sentUs: room.f64('sentUs', rows),
    ackedUs: room.f64('ackedUs', rows),
    outcome: room.u8('outcome', rows),
    operation: room.u8('operation', rows),
    phase: room.u8('phase', rows),
    dc: room.u8('dc', rows),
  }
  const next = room.u32('next', groups)
  next.set(starts.subarray(0, groups))
  let read = 0
  for (const { dcIndex, block } of part.blocks('writes')) {
    const { outcome, operation, phase, flags, dot, version } = block
    for (let row = 0; row < block.rows; row++) {
      if (!maybeStored(outcome[row], flags[row])) continue
      const at = next[groupOfRow[read++]]++
      columns.dot[at] = dot[row]
      columns.version[at] = version[row]
      columns.sentUs[at] = sentUs(block, row)
      columns.ackedUs[at] = ackedUs(block, row)
      columns.outcome[at] = outcome[row]
      columns.operation[at] = operation[row]
      columns.phase[at] = phase[row]
      columns.dc[at] = dcIndex
    }
  }
  sortWithinGroups(groups, starts, columns)
  const placed = { rows, groups, starts, groupKey: grouping.groupKey, groupOf: table, ...columns }
  const seen = readSeen(part, placed, facts.dcCount, room)
  const { finals, unknown } = readFinals(part, placed, facts.finals, room)
  const causes = facts.causes ? readCauses(part, placed, facts.dcCount) : null
  return { ...placed, ...seen, finals, causes, unexplained: unknown + countUnexplained(finals, groups) }
}

function countUnexplained(finals: readonly (FinalRows | null)[], groups: number): number {
  let unexplained = 0
  for (const final of finals) {
    if (final === null) continue
    for (let group = 0; group < groups; group++) {
      if (final.place[group] < 0 && final.dot[group] > 0 && isOfMeasuredPhase(final.dot[group])) unexplained++
    }
  }
  return unexplained
}

/** The row of a group with this dot, or −1. */
export function placeOfDot(partition: Pick<Partition, 'starts' | 'dc' | 'dot'>, group: number, dot: number): number {
  const { starts, dc, dot: dots } = partition
  const wantedDc = dotDc(dot)
  let low = starts[group]
  let high = starts[group + 1] - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const difference = dc[middle] - wantedDc || dots[middle] - dot
    if (difference === 0) return middle
    if (difference < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}
