// One part of the key space in memory, in typed arrays, its rows grouped by key: what conflicts and losses are found in.
import { readBlocks } from '../lib/column-file.ts'
import { dotDc, dotIncarnation, PHASE, WRITERS_MAX } from '../lib/dot.ts'
import { hashNumber } from '../lib/random.ts'
import { FINAL, PROBE_STATE, type ProbesBlock } from '../lib/ledger-format.ts'
import { DotTable } from './dot-table.ts'
import { groupByKey } from './grouping.ts'
import { ackedUs, maybeStored, probeBlocks, sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

const ROWS_AT_ONCE = 1_000_000
const SALT = 0x3c6ef372

/** Which part of the key space: keys whose hash modulo `of` is `part`. */
interface Part {
  readonly part: number
  readonly of: number
}

/** What one DC's probes say. Probes are few beside the rows, so that a row only holds the place of its probe, or −1. */
interface Seen {
  readonly probeOf: Int32Array
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

function partOf(of: number, key: number): number {
  return of === 1 ? 0 : hashNumber(key, SALT) % of
}

function isIn({ part, of }: Part, key: number): boolean {
  return partOf(of, key) === part
}

/** Rows of each part, in one reading of the ledger. */
export function partitionSizes(run: RunData, of: number): Uint32Array {
  const sizes = new Uint32Array(of)
  for (const { block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0 || !maybeStored(block.outcome[row], block.flags[row])) continue
      sizes[partOf(of, block.key[row])]++
    }
  }
  return sizes
}

/** Loads one part, which has `rows` rows. */
export function loadPartition(run: RunData, part: number, of: number, rows: number): Partition {
  const where = { part, of }
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

/** The probes of the part's rows, found by dot. */
function readSeen(run: RunData, where: Part, rowDots: Float64Array): Seen[] {
  const counts = new Float64Array(run.dcs.length)
  for (const { peerIndex } of probesOf(run, where)) counts[peerIndex]++
  const probed = new DotTable(counts.reduce((sum, count) => sum + count, 0))
  for (const { block, row } of probesOf(run, where)) probed.place(block.dot[row])
  const rowOf = new Int32Array(probed.size).fill(-1)
  for (let i = 0; i < rowDots.length; i++) {
    const place = probed.find(rowDots[i])
    if (place >= 0) rowOf[place] = i
  }
  const seen = Array.from(counts, (count): Seen => ({
    probeOf: new Int32Array(rowDots.length).fill(-1),
    missSentUs: new Float64Array(count),
    hitReturnedUs: new Float64Array(count),
    state: new Uint8Array(count),
  }))
  const next = new Uint32Array(run.dcs.length)
  for (const { peerIndex, block, row } of probesOf(run, where)) {
    const i = rowOf[probed.find(block.dot[row])]
    // A probe that was given up unread says nothing, as if it had not been asked.
    if (i < 0 || block.state[row] === PROBE_STATE.dropped) continue
    const { probeOf, missSentUs, hitReturnedUs, state } = seen[peerIndex]
    const place = next[peerIndex]++
    probeOf[i] = place
    missSentUs[place] = block.missSentUs[row]
    hitReturnedUs[place] = block.hitReturnedUs[row]
    state[place] = block.state[row]
  }
  return seen
}

function* probesOf(run: RunData, where: Part): Generator<{ peerIndex: number; block: ProbesBlock; row: number }> {
  for (const { peerIndex, block } of probeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] !== 0 && isIn(where, block.key[row])) yield { peerIndex, block, row }
    }
  }
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
