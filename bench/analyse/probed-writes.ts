// Probes joined with the writes that they looked for: the prober does not know when a write was acknowledged, the ledger does.
import { statSync } from 'node:fs'
import { OUTCOME } from '../contract/outcome.ts'
import { dotDc } from '../lib/dot.ts'
import type { WritesBlock } from '../lib/ledger-format.ts'
import { DotTable, type DotSlots } from './dot-table.ts'
import { ackedUs, probeBlocks, sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

/** Probes joined at once: bounds the memory. All beyond the first so many cost one more reading of the ledger each. */
const PROBES_AT_ONCE = 2_000_000
/** Of one probe in its file. */
const PROBE_BYTES = 41
/** `phase` of a probe whose write is not in the ledger (its part is torn or missing). */
export const PHASE_UNKNOWN = 255
/** Bits a probe of the sieve that most writes without a probe fall through: one in sixteen does not. */
const SIEVE_BITS = 16

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

/** Probes that are to be joined with their writes, in memory that threads share; each write is joined by whoever reads it. */
export interface ProbesToJoin {
  readonly probes: ProbedWrites
  readonly slots: DotSlots
  /** The first probe of each dot, and the one after each of the same dot: one write is probed in several DCs. */
  readonly first: Int32Array
  readonly next: Int32Array
  readonly sieve: Uint32Array
}

/** Joins what it reads of the ledger with probes. */
export class ProbeJoin {
  readonly #to: ProbesToJoin
  readonly #table: DotTable

  constructor(to: ProbesToJoin) {
    this.#to = to
    this.#table = DotTable.over(to.slots)
  }

  addBlock(block: WritesBlock): void {
    const { probes, first, next, sieve } = this.#to
    const { dot: dots, phase, outcome } = block
    const shift = Math.clz32(sieve.length * 32 - 1)
    for (let row = 0; row < block.rows; row++) {
      const dot = dots[row]
      const bit = spread(dot) >>> shift
      if ((sieve[bit >>> 5] & (1 << (bit & 31))) === 0 || dot === 0) continue
      const place = this.#table.find(dot)
      if (place < 0) continue
      for (let i = first[place]; i >= 0; i = next[i]) {
        probes.sentUs[i] = sentUs(block, row)
        probes.ackedUs[i] = ackedUs(block, row)
        probes.phase[i] = phase[row]
        probes.outcome[i] = outcome[row]
      }
    }
  }
}

/** The run's first probes, as many as are joined at once, for `ProbeJoin` to join while the ledger is read. */
export function firstProbes(run: RunData): ProbesToJoin {
  const room = Math.min(PROBES_AT_ONCE, probesAtMost(run))
  const [portion] = portions(run, 0, allocate(room))
  return toJoin(portion ?? allocate(0))
}

/** All probes in bounded portions, each joined with its write: the first are already. */
export function* probedWrites(run: RunData, first: ProbedWrites): Generator<ProbedWrites> {
  yield first
  if (first.count < PROBES_AT_ONCE) return
  for (const portion of portions(run, first.count, allocate(PROBES_AT_ONCE))) {
    const join = new ProbeJoin(toJoin(portion))
    for (const { block } of writeBlocks(run)) join.addBlock(block)
    yield portion
  }
}

/** The probes after the first `skip` in the order of the files, a portion at a time, all in the same memory. */
function* portions(run: RunData, skip: number, portion: ProbedWrites): Generator<ProbedWrites> {
  let before = skip
  portion.count = 0
  for (const { peerIndex, block } of probeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0 || before-- > 0) continue
      const at = portion.count++
      portion.key[at] = block.key[row]
      portion.dot[at] = block.dot[row]
      portion.peer[at] = peerIndex
      portion.missSentUs[at] = block.missSentUs[row]
      portion.hitReturnedUs[at] = block.hitReturnedUs[row]
      portion.state[at] = block.state[row]
      portion.sentUs[at] = block.sentUs[row]
      if (portion.count < PROBES_AT_ONCE) continue
      yield portion
      portion.count = 0
    }
  }
  if (portion.count > 0) yield portion
}

/** No fewer than there are, by the size of the files. */
function probesAtMost(run: RunData): number {
  return run.probes.reduce((rows, path) => rows + (path === null ? 0 : Math.ceil(statSync(path).size / PROBE_BYTES)), 0)
}

function toJoin(probes: ProbedWrites): ProbesToJoin {
  const { count } = probes
  const table = new DotTable(count)
  const first = shared(Int32Array, count).fill(-1)
  const next = shared(Int32Array, count).fill(-1)
  let words = 16
  while (words * 32 < count * SIEVE_BITS) words *= 2
  const sieve = shared(Uint32Array, words)
  const shift = Math.clz32(words * 32 - 1)
  for (let i = 0; i < count; i++) {
    probes.ackedUs[i] = Number.POSITIVE_INFINITY
    probes.phase[i] = PHASE_UNKNOWN
    probes.outcome[i] = OUTCOME.pending
    const place = table.place(probes.dot[i])
    next[i] = first[place]
    first[place] = i
    const bit = spread(probes.dot[i]) >>> shift
    sieve[bit >>> 5] |= 1 << (bit & 31)
  }
  return { probes, slots: table.shared(), first, next, sieve }
}

/** Spreads a dot over 32 bits, of which the highest are the best. */
function spread(dot: number): number {
  return Math.imul((dot >>> 0) ^ Math.imul((dot / 4294967296) | 0, 0x85ebca6b), 0x9e3779b1)
}

function shared<A>(
  type: { new (buffer: SharedArrayBuffer): A; readonly BYTES_PER_ELEMENT: number },
  length: number,
): A {
  return new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT))
}

function allocate(rows: number): ProbedWrites {
  return {
    count: 0,
    key: shared(Float64Array, rows),
    dot: shared(Float64Array, rows),
    peer: shared(Uint8Array, rows),
    missSentUs: shared(Float64Array, rows),
    hitReturnedUs: shared(Float64Array, rows),
    state: shared(Uint8Array, rows),
    sentUs: shared(Float64Array, rows),
    ackedUs: shared(Float64Array, rows),
    phase: shared(Uint8Array, rows),
    outcome: shared(Uint8Array, rows),
  }
}
