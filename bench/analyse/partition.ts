// One part of the key space in memory, in typed arrays, its rows grouped by key: what conflicts and losses are found in.
import { dotDc } from '../lib/dot.ts'
import { readCauses, type Causes } from './causes.ts'
import { isOfMeasuredPhase, readFinals, type FinalRows } from './final-rows.ts'
import { groupByKey } from './grouping.ts'
import { ackedUs, maybeStored, sentUs, writeBlocks } from './ledger-rows.ts'
import { readSeen, type Seen } from './part-probes.ts'
import type { LedgerPart } from './split-ledger.ts'

const ROWS_AT_ONCE = 500_000

/** Rows by place. Only writes that are or may be stored; times in µs since the epoch. */
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
  /** By the DC that looked. */
  readonly seen: readonly Seen[]
  /** By DC; null where the run has no final rows of it. */
  readonly finals: readonly (FinalRows | null)[]
  /** What writes found at their own DC; null where causality was not exact. */
  readonly causes: Causes | null
  readonly groups: number
  /** By group. */
  readonly groupKey: Float64Array
  /** Places of the rows, key by key, within a key DC by DC, within a DC in the order of the dots. */
  readonly order: Uint32Array
  /** Group g is order[starts[g]] … order[starts[g + 1] − 1]. */
  readonly starts: Uint32Array
  /** Rows of the finals whose dot no write of the ledger has: stored without having been asked for. */
  readonly unexplained: number
}

/** How many parts keep each in bounded memory; what probes take grows with the DCs. */
export function partitionsFor(ledgerRows: number, dcCount: number): number {
  return Math.max(1, Math.ceil((ledgerRows * Math.max(2, dcCount)) / (2 * ROWS_AT_ONCE)))
}

/** Loads one part. */
export function loadPartition({ run, rows }: LedgerPart): Partition {
  const f64 = () => new Float64Array(rows)
  const u8 = () => new Uint8Array(rows)
  const key = f64()
  const columns = { dot: f64(), version: f64(), sentUs: f64(), ackedUs: f64() }
  const bytes = { outcome: u8(), operation: u8(), phase: u8(), dc: u8() }
  let at = 0
  for (const { dcIndex, block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0 || !maybeStored(block.outcome[row], block.flags[row])) continue
      key[at] = block.key[row]
      columns.dot[at] = block.dot[row]
      columns.version[at] = block.version[row]
      columns.sentUs[at] = sentUs(block, row)
      columns.ackedUs[at] = ackedUs(block, row)
      bytes.outcome[at] = block.outcome[row]
      bytes.operation[at] = block.operation[row]
      bytes.phase[at] = block.phase[row]
      bytes.dc[at] = dcIndex
      at++
    }
  }
  const seen = readSeen(run, columns.dot)
  const { table, ...grouped } = groupByKey(key, bytes.dc, columns.dot)
  const { finals, unknown } = readFinals(run, table, grouped.groups)
  const known = { rows, ...columns, ...bytes, seen, finals, ...grouped }
  const causes = run.causes.length === 0 ? null : readCauses(run, known, table)
  return { ...known, causes, unexplained: unknown + countUnexplained(known) }
}

function countUnexplained(partition: Omit<Partition, 'unexplained' | 'causes'>): number {
  let unexplained = 0
  for (const final of partition.finals) {
    if (final === null) continue
    for (let group = 0; group < partition.groups; group++) {
      const dot = final.dot[group]
      if (dot > 0 && isOfMeasuredPhase(dot) && placeOfDot(partition, group, dot) < 0) unexplained++
    }
  }
  return unexplained
}

/** Where in `order` a group's row with this dot stands, or −1. */
export function placeOfDot(
  partition: Pick<Partition, 'order' | 'starts' | 'dc' | 'dot'>,
  group: number,
  dot: number,
): number {
  const { order, starts, dc, dot: dots } = partition
  const wantedDc = dotDc(dot)
  let low = starts[group]
  let high = starts[group + 1] - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const difference = dc[order[middle]] - wantedDc || dots[order[middle]] - dot
    if (difference === 0) return middle
    if (difference < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}
