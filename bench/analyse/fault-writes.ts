// What faults did to the writers: one pass over the ledger for the rows that failed, the time without an acknowledgement, and
// what was offered and came of it outside the faults.
import { OUTCOME } from '../contract/outcome.ts'
import type { FaultFacts } from '../contract/fault.ts'
import { PHASE } from '../lib/dot.ts'
import { NEVER, WRITE_FLAG } from '../lib/ledger-format.ts'
import type { FaultSpans } from './fault-spans.ts'
import { sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'

const BIN_US_MIN = 10_000
const BINS_MAX = 1 << 20

/** One DC in one fault: rows, and the longest time without an acknowledgement in seconds. */
interface DcInFault {
  acknowledged: number
  failed: number
  unknown: number
  outageSeconds: number
}

export interface FaultWrites {
  /** By fault, then by DC. */
  readonly inFault: readonly (readonly DcInFault[])[]
  /** Rows that were to start outside the faults and the catching up. */
  readonly outside: { offered: number; acknowledgedInTime: number; unknown: number }
}

/** First and last acknowledgement in each bin of time; gaps between them are exact. */
class AckTimes {
  readonly #startUs: number
  readonly #endUs: number
  readonly #binUs: number
  readonly #first: Float64Array
  readonly #last: Float64Array

  constructor(startUs: number, endUs: number) {
    this.#startUs = startUs
    this.#endUs = endUs
    this.#binUs = Math.max(BIN_US_MIN, (endUs - startUs) / BINS_MAX)
    const bins = Math.ceil((endUs - startUs) / this.#binUs) + 1
    this.#first = new Float64Array(bins).fill(Number.POSITIVE_INFINITY)
    this.#last = new Float64Array(bins).fill(Number.NEGATIVE_INFINITY)
  }

  add(us: number): void {
    const bin = Math.floor((us - this.#startUs) / this.#binUs)
    if (bin < 0 || bin >= this.#first.length) return
    if (us < this.#first[bin]) this.#first[bin] = us
    if (us > this.#last[bin]) this.#last[bin] = us
  }

  /** The longest time without any within the bounds given, in µs; it may have begun before and end after. */
  longestGapUs(fromUs: number, toUs: number): number {
    let longest = 0
    let last = this.#startUs
    const gap = (nextUs: number) => {
      if (nextUs > fromUs && last < toUs) longest = Math.max(longest, nextUs - last)
    }
    for (let bin = 0; bin < this.#first.length; bin++) {
      if (this.#last[bin] === Number.NEGATIVE_INFINITY) continue
      gap(this.#first[bin])
      last = this.#last[bin]
    }
    if (last < this.#endUs) gap(this.#endUs)
    return longest
  }
}

/** @param caughtUpUs by fault, when it had been caught up with. */
export function readFaultWrites(
  run: RunData,
  faults: readonly FaultFacts[],
  caughtUpUs: readonly number[],
  spans: FaultSpans,
): FaultWrites {
  const { startUs, endUs } = run.measure
  const acks = run.dcs.map(() => new AckTimes(startUs, endUs))
  const inFault = faults.map(() =>
    run.dcs.map((): DcInFault => ({ acknowledged: 0, failed: 0, unknown: 0, outageSeconds: 0 })),
  )
  const outside = { offered: 0, acknowledgedInTime: 0, unknown: 0 }
  for (const { dcIndex, block } of writeBlocks(run)) {
    for (let row = 0; row < block.rows; row++) {
      const declined = (block.flags[row] & WRITE_FLAG.declined) !== 0
      if (block.dot[row] === 0 || declined || block.phase[row] !== PHASE.measure) continue
      const sent = sentUs(block, row)
      const after = block.ackedAfterUs[row]
      const settled = after === NEVER ? Number.POSITIVE_INFINITY : sent + after
      const ok = block.outcome[row] === OUTCOME.ok && after !== NEVER
      if (ok) acks[dcIndex].add(settled)
      for (const [i, fault] of faults.entries()) {
        const dc = inFault[i][dcIndex]
        if (ok) {
          if (settled >= fault.startUs && settled <= fault.endUs) dc.acknowledged++
        } else if (sent <= fault.endUs && settled >= fault.startUs) {
          if (block.outcome[row] === OUTCOME.fail) dc.failed++
          else dc.unknown++
        }
      }
      const intended = block.intendedUs[row]
      if (spans.touch(intended, intended)) continue
      outside.offered++
      if (ok && settled <= endUs) outside.acknowledgedInTime++
      // What a fault cut short is the fault's, whenever it was to start.
      if (!ok && block.outcome[row] !== OUTCOME.fail && !spans.touch(sent, settled)) outside.unknown++
    }
  }
  for (const [i, fault] of faults.entries()) {
    for (const [dc, times] of acks.entries()) {
      inFault[i][dc].outageSeconds = times.longestGapUs(fault.startUs, Math.min(endUs, caughtUpUs[i])) / 1e6
    }
  }
  return { inFault, outside }
}
