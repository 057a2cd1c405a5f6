// Counts the rows of a ledger for traffic and intervals, block by block in any order; what threads counted is put together.
import { OUTCOME } from '../contract/outcome.ts'
import { DurationCounts } from '../lib/duration-counts.ts'
import { PHASE } from '../lib/dot.ts'
import { NEVER, WRITE_FLAG, type WritesBlock } from '../lib/ledger-format.ts'
import { IntervalCells, type PackedCells } from './interval-cells.ts'
import type { RunData } from './load.ts'
import { PackedDurations } from './packed-durations.ts'
import type { Slices } from './slices.ts'

/** Counts of one DC's measured phase, in rows. */
export interface DcCounts {
  /** Acknowledged, those replaced within their own batch included. */
  acknowledged: number
  /** Of these, acknowledged before the phase ended. */
  acknowledgedInTime: number
  coalesced: number
  failed: number
  unknown: number
  /** Of the unknown ones, those that a later row of their batch replaced: no store was asked for them. */
  unknownReplaced: number
  /** Never sent: their turn had not come. */
  declined: number
  /** Acknowledged and stored. */
  stored: number
  /** Keys and values of those, in bytes. */
  storedBytes: number
}

/** What one thread counted. */
export interface TrafficPart {
  readonly byDc: readonly DcCounts[]
  /** When the last row of all phases was sent, µs since the epoch; 0 without any. */
  readonly lastSentUs: number
  readonly acknowledgedBySlice: Float64Array
  /** Response times by slice of the intended start, packed one after another. */
  readonly responseBySlice: Uint8Array
  /** Response and service times of the measured phase, DC by DC. */
  readonly timesByDc: Uint8Array
  readonly cells: PackedCells
}

export class TrafficCount {
  readonly #endUs: number
  readonly #slices: Slices
  readonly #byDc: readonly DcCounts[]
  readonly #acknowledgedBySlice: Float64Array
  readonly #responseBySlice: readonly DurationCounts[]
  readonly #cells: IntervalCells
  #lastSentUs = 0

  constructor(run: RunData, slices: Slices) {
    this.#endUs = run.measure.endUs
    this.#slices = slices
    this.#cells = new IntervalCells(run.dcs.length)
    this.#acknowledgedBySlice = new Float64Array(slices.count)
    this.#responseBySlice = Array.from({ length: slices.count }, () => new DurationCounts())
    this.#byDc = run.dcs.map(() => ({
      acknowledged: 0,
      acknowledgedInTime: 0,
      coalesced: 0,
      failed: 0,
      unknown: 0,
      unknownReplaced: 0,
      declined: 0,
      stored: 0,
      storedBytes: 0,
    }))
  }

  /** Rows with dot 0 are padding. */
  addBlock(dcIndex: number, block: WritesBlock): void {
    const { dot, intendedUs, sentAfterUs, ackedAfterUs, outcome, operation, flags, phase } = block
    const dc = this.#byDc[dcIndex]
    const slices = this.#slices
    for (let row = 0; row < block.rows; row++) {
      if (dot[row] === 0) continue
      const intended = intendedUs[row]
      const wait = sentAfterUs[row]
      const after = ackedAfterUs[row]
      const sent = intended + wait
      if (sent > this.#lastSentUs) this.#lastSentUs = sent
      const acked = outcome[row] === OUTCOME.ok && after !== NEVER
      this.#cells.makeRoom()
      const second = Math.floor(intended / 1e6)
      const cell = this.#cells.at(second, dcIndex, phase[row], operation[row])
      if (acked) {
        const ackSecond = Math.floor((sent + after) / 1e6)
        const ackCell = ackSecond === second ? cell : this.#cells.at(ackSecond, dcIndex, phase[row], operation[row])
        ackCell.acked++
      }
      const measured = phase[row] === PHASE.measure
      if ((flags[row] & WRITE_FLAG.declined) !== 0) {
        cell.declined++
        if (measured) dc.declined++
        continue
      }
      const coalesced = (flags[row] & WRITE_FLAG.coalesced) !== 0
      cell.offered++
      cell.wait.record(wait)
      if (!acked) {
        if (outcome[row] === OUTCOME.fail) {
          cell.failed++
          if (measured) dc.failed++
        } else {
          cell.unknown++
          if (measured && outcome[row] !== OUTCOME.ok) {
            dc.unknown++
            if (coalesced) dc.unknownReplaced++
          }
        }
        continue
      }
      if (coalesced) cell.coalesced++
      const response = wait + after
      cell.response.record(response)
      cell.service.record(after)
      if (!measured) continue
      dc.acknowledged++
      if (sent + after <= this.#endUs) dc.acknowledgedInTime++
      if (coalesced) dc.coalesced++
      else {
        dc.stored++
        dc.storedBytes += block.logicalBytes[row]
      }
      const slice = slices.at(sent + after)
      if (slice >= 0) this.#acknowledgedBySlice[slice]++
      const intendedSlice = slices.at(intended)
      if (intendedSlice >= 0) this.#responseBySlice[intendedSlice].record(response)
    }
  }

  /** Call once, after the last block. */
  part(): TrafficPart {
    const { cells, measured } = this.#cells.finish()
    const packed = (counts: readonly DurationCounts[]): Uint8Array => {
      const all = new PackedDurations()
      for (const one of counts) all.pack(one)
      return all.bytes
    }
    return {
      byDc: this.#byDc,
      lastSentUs: this.#lastSentUs,
      acknowledgedBySlice: this.#acknowledgedBySlice,
      responseBySlice: packed(this.#responseBySlice),
      timesByDc: packed(measured.flatMap(({ response, service }) => [response, service])),
      cells,
    }
  }
}
