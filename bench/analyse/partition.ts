// One part of the key space in memory, in typed arrays, its rows grouped by key: what conflicts and losses are found in.
import { readBlocks } from '../lib/column-file.ts'
import { dotDc, dotIncarnation, PHASE, WRITERS_MAX } from '../lib/dot.ts'
import { hashNumber } from '../lib/random.ts'
import { FINAL, PROBE_STATE } from '../lib/ledger-format.ts'
import { DotTable } from './dot-table.ts'
import { groupByKey } from './grouping.ts'
import { ackedUs, maybeStored, probeBlocks, sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

const ROWS_AT_ONCE = 2_000_000
const SALT = 0x3c6ef372

/** Which part of the key space: keys whose hash modulo `of` is `part`. */
interface Part {
  readonly part: number
  readonly of: number
}

/** What one DC's probes say of each row; `state` 0 means that no probe was asked. */
interface Seen {
  readonly missSentUs: Float64Array
  readonly hitReturnedUs: Float64Array
  readonly state: Uint8Array
}

/** What one DC held at the end, by key group; `state` 0 means that the key is not in its file. */
interface FinalRows {
  readonly dot: Float64Array
  readonly version: Float64Array
  readonly state: Uint8Array
}

/** Rows by place. Only writes that are or may be stored; times in µs since the epoch. */
export interface Partition {
  readonly rows: number
  readonly key: Float64Array
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
  readonly groups: number
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

function isIn({ part, of }: Part, key: number): boolean {
  return of === 1 || hashNumber(key, SALT) % of === part
}

/** Loads one part. */
export function loadPartition(run: RunData, part: number, of: number): Partition {
  const where = { part, of }
  const rows = countRows(run, where)
  const f64 = () => new Float64Array(rows)
  const u8 = () => new Uint8Array(rows)
  const columns = { key: f64(), dot: f64(), version: f64(), sentUs: f64(), ackedUs: f64() }
  const bytes = { outcome: u8(), operation: u8(), phase: u8(), dc: u8() }
  let at = 0
  for (const { dcIndex, block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0 || !maybeStored(block.outcome[row], block.flags[row])) continue
      if (!isIn(where, block.key[row])) continue
      columns.key[at] = block.key[row]
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
  const seen = readSeen(run, where, columns.dot)
  const { table, ...grouped } = groupByKey(columns.key, bytes.dc, columns.dot)
  const { finals, unknown } = readFinals(run, where, table, grouped.groups)
  const partition = { rows, ...columns, ...bytes, seen, finals, unexplained: unknown, ...grouped }
  return { ...partition, unexplained: unknown + countUnexplained(partition) }
}

function countRows(run: RunData, where: Part): number {
  let rows = 0
  for (const { block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0 || !maybeStored(block.outcome[row], block.flags[row])) continue
      if (isIn(where, block.key[row])) rows++
    }
  }
  return rows
}

/** The probes of the part's rows, found by dot. */
function readSeen(run: RunData, where: Part, rowDots: Float64Array): Seen[] {
  const rows = rowDots.length
  const seen = run.dcs.map((): Seen => ({
    missSentUs: new Float64Array(rows).fill(Number.NaN),
    hitReturnedUs: new Float64Array(rows).fill(Number.NaN),
    state: new Uint8Array(rows),
  }))
  let probes = 0
  for (const { block } of probeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) if (block.dot[row] !== 0 && isIn(where, block.key[row])) probes++
  }
  // Probes are few beside the rows, so that the table is of the probed dots.
  const probed = new DotTable(probes)
  for (const { block } of probeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] !== 0 && isIn(where, block.key[row])) probed.place(block.dot[row])
    }
  }
  const rowOf = new Int32Array(probed.size).fill(-1)
  for (let i = 0; i < rows; i++) {
    const place = probed.find(rowDots[i])
    if (place >= 0) rowOf[place] = i
  }
  for (const { peerIndex, block } of probeBlocks(run)) {
    const { missSentUs, hitReturnedUs, state } = seen[peerIndex]
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0 || !isIn(where, block.key[row])) continue
      const i = rowOf[probed.find(block.dot[row])]
      if (i < 0) continue
      missSentUs[i] = block.missSentUs[row]
      hitReturnedUs[i] = block.hitReturnedUs[row]
      // A probe that was given up unread says nothing, as if it had not been asked.
      state[i] = block.state[row] === PROBE_STATE.dropped ? 0 : block.state[row]
    }
  }
  return seen
}

/** Whether a dot was made by a writer of the measured phase, whose every write is in the ledger. */
function isMeasured(dot: number): boolean {
  return Math.floor(dotIncarnation(dot) / WRITERS_MAX) % 4 === PHASE.measure
}

function readFinals(
  run: RunData,
  where: Part,
  keys: DotTable,
  groups: number,
): { finals: (FinalRows | null)[]; unknown: number } {
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
        if (block.state[row] === 0 || !isIn(where, block.key[row])) continue
        const group = keys.find(block.key[row])
        if (group < 0) {
          if (block.dot[row] > 0 && isMeasured(block.dot[row])) unknown++
          continue
        }
        final.dot[group] = block.dot[row]
        final.version[group] = block.version[row]
        final.state[group] = block.state[row]
      }
    }
    if (end.torn) run.torn.add(path)
    return final
  })
  return { finals, unknown }
}

function countUnexplained(partition: Omit<Partition, 'unexplained'>): number {
  let unexplained = 0
  for (const final of partition.finals) {
    if (final === null) continue
    for (let group = 0; group < partition.groups; group++) {
      const dot = final.dot[group]
      if (dot > 0 && isMeasured(dot) && placeOfDot(partition, group, dot) < 0) unexplained++
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
