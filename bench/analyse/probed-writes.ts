// Probes joined with the writes that they looked for: the prober does not know when a write was acknowledged, the ledger does.
import { statSync } from 'node:fs'
import { OUTCOME } from '../contract/outcome.ts'
import { dotDc } from '../lib/dot.ts'
import { DotTable } from './dot-table.ts'
import { ackedUs, probeBlocks, sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

/** Probes joined at once: bounds the memory, costs one reading of the ledger each. */
const PROBES_AT_ONCE = 2_000_000
/** Of one probe in its file. */
const PROBE_BYTES = 41
/** `phase` of a probe whose write is not in the ledger (its part is torn or missing). */
export const PHASE_UNKNOWN = 255

/** Probes in columns, in the order of the files. Times are µs since the epoch; only the first `count` entries count. */
export interface ProbedWrites {
  count: number
  readonly key: Float64Array
  readonly dot: Float64Array
  /** The DC that looked. */
  readonly peer: Uint8Array
  readonly missSentUs: Float64Array
  readonly hitReturnedUs: Float64Array
  readonly state: Uint8Array
  readonly sentUs: Float64Array
  /** Infinite where the write was never acknowledged. */
  readonly ackedUs: Float64Array
  readonly phase: Uint8Array
  readonly outcome: Uint8Array
}

/** The DC that made probe `i`'s write. */
export function originOf(probes: ProbedWrites, i: number): number {
  return dotDc(probes.dot[i])
}

/** All probes in bounded portions, each joined with its write. */
export function* probedWrites(run: RunData): Generator<ProbedWrites> {
  let portion: ProbedWrites | undefined
  for (const { peerIndex, block } of probeBlocks(run)) {
    portion ??= allocate(Math.min(PROBES_AT_ONCE, probesAtMost(run)))
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0) continue
      const at = portion.count++
      portion.key[at] = block.key[row]
      portion.dot[at] = block.dot[row]
      portion.peer[at] = peerIndex
      portion.missSentUs[at] = block.missSentUs[row]
      portion.hitReturnedUs[at] = block.hitReturnedUs[row]
      portion.state[at] = block.state[row]
      portion.sentUs[at] = block.sentUs[row]
      if (portion.count === PROBES_AT_ONCE) {
        join(run, portion)
        yield portion
        portion.count = 0
      }
    }
  }
  if (portion !== undefined && portion.count > 0) {
    join(run, portion)
    yield portion
  }
}

/** No fewer than there are, by the size of the files. */
function probesAtMost(run: RunData): number {
  return run.probes.reduce((rows, path) => rows + (path === null ? 0 : Math.ceil(statSync(path).size / PROBE_BYTES)), 0)
}

function join(run: RunData, probes: ProbedWrites): void {
  const table = new DotTable(probes.count)
  // One write is probed in several DCs: the probes of a dot are chained.
  const first = new Int32Array(probes.count).fill(-1)
  const next = new Int32Array(probes.count).fill(-1)
  for (let i = 0; i < probes.count; i++) {
    probes.ackedUs[i] = Number.POSITIVE_INFINITY
    probes.phase[i] = PHASE_UNKNOWN
    probes.outcome[i] = OUTCOME.pending
    const place = table.place(probes.dot[i])
    next[i] = first[place]
    first[place] = i
  }
  for (const { block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      const dot = block.dot[row]
      if (dot === 0) continue
      const place = table.find(dot)
      if (place < 0) continue
      for (let i = first[place]; i >= 0; i = next[i]) {
        probes.sentUs[i] = sentUs(block, row)
        probes.ackedUs[i] = ackedUs(block, row)
        probes.phase[i] = block.phase[row]
        probes.outcome[i] = block.outcome[row]
      }
    }
  }
}

function allocate(rows: number): ProbedWrites {
  return {
    count: 0,
    key: new Float64Array(rows),
    dot: new Float64Array(rows),
    peer: new Uint8Array(rows),
    missSentUs: new Float64Array(rows),
    hitReturnedUs: new Float64Array(rows),
    state: new Uint8Array(rows),
    sentUs: new Float64Array(rows),
    ackedUs: new Float64Array(rows),
    phase: new Uint8Array(rows),
    outcome: new Uint8Array(rows),
  }
}
