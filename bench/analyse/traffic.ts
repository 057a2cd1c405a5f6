// What was offered, acknowledged, refused and left unknown in the measured phase, and how long it took: one streaming pass.
import type { Histogram } from 'hdr-histogram-js'
import { OUTCOME } from '../contract/outcome.ts'
import { PHASE } from '../lib/dot.ts'
import { NEVER, WRITE_FLAG, type WritesBlock } from '../lib/ledger-format.ts'
import { DurationCounts } from './duration-counts.ts'
import { sentUs, writeBlocks } from './ledger-rows.ts'
import type { RunData } from './load.ts'
import type { Slices } from './slices.ts'

/** One DC's measured phase. Counts are rows. */
export interface DcTraffic extends DcCounts {
  /** From the intended start to the acknowledgement, µs. */
  readonly response: Histogram
  /** From the send to the acknowledgement, µs. */
  readonly service: Histogram
}

interface DcCounts {
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

interface DcTimes extends DcCounts {
  readonly responseUs: DurationCounts
  readonly serviceUs: DurationCounts
}

export interface Traffic {
  readonly byDc: readonly DcTraffic[]
  /** Rows in the ledger, all phases. */
  readonly ledgerRows: number
  /** Rows acknowledged in each slice. */
  readonly acknowledgedBySlice: Float64Array
  /** Response times of the rows that were to start in each slice, µs. */
  readonly responseBySlice: readonly Histogram[]
  /** When the first and the last row of the ledger was sent, µs since the epoch. */
  readonly firstSentUs: number
  readonly lastSentUs: number
}

export function readTraffic(run: RunData, slices: Slices): Traffic {
  const byDc = run.dcs.map((): DcTimes => ({
    acknowledged: 0,
    acknowledgedInTime: 0,
    coalesced: 0,
    failed: 0,
    unknown: 0,
    unknownReplaced: 0,
    declined: 0,
    stored: 0,
    storedBytes: 0,
    responseUs: new DurationCounts(),
    serviceUs: new DurationCounts(),
  }))
  const acknowledgedBySlice = new Float64Array(slices.count)
  const responseBySlice = Array.from({ length: slices.count }, () => new DurationCounts())
  let ledgerRows = 0
  let firstSentUs = Number.POSITIVE_INFINITY
  let lastSentUs = 0
  for (const { dcIndex, block } of writeBlocks(run)) {
    const dc = byDc[dcIndex]
    for (let row = 0; row < block.rows; row++) {
      if (block.dot[row] === 0) continue
      ledgerRows++
      const sent = sentUs(block, row)
      if (sent < firstSentUs) firstSentUs = sent
      if (sent > lastSentUs) lastSentUs = sent
      if (block.phase[row] !== PHASE.measure) continue
      if (!countRow(dc, block, row, run.measure.endUs)) continue
      const slice = slices.at(sent + block.ackedAfterUs[row])
      if (slice >= 0) acknowledgedBySlice[slice]++
      const intendedSlice = slices.at(block.intendedUs[row])
      if (intendedSlice >= 0) {
        responseBySlice[intendedSlice].record(block.sentAfterUs[row] + block.ackedAfterUs[row])
      }
    }
  }
  return {
    byDc: byDc.map(({ responseUs, serviceUs, ...counts }) => ({
      ...counts,
      response: responseUs.histogram(),
      service: serviceUs.histogram(),
    })),
    ledgerRows,
    acknowledgedBySlice,
    responseBySlice: responseBySlice.map((counts) => counts.histogram()),
    firstSentUs,
    lastSentUs,
  }
}

/** Counts one row of the measured phase; true when it was acknowledged. */
function countRow(dc: DcTimes, block: WritesBlock, row: number, endUs: number): boolean {
  const outcome = block.outcome[row]
  if ((block.flags[row] & WRITE_FLAG.declined) !== 0) {
    dc.declined++
    return false
  }
  if (outcome === OUTCOME.fail) dc.failed++
  else if (outcome !== OUTCOME.ok) {
    dc.unknown++
    if ((block.flags[row] & WRITE_FLAG.coalesced) !== 0) dc.unknownReplaced++
  }
  if (outcome !== OUTCOME.ok || block.ackedAfterUs[row] === NEVER) return false
  dc.acknowledged++
  if (sentUs(block, row) + block.ackedAfterUs[row] <= endUs) dc.acknowledgedInTime++
  dc.responseUs.record(block.sentAfterUs[row] + block.ackedAfterUs[row])
  dc.serviceUs.record(block.ackedAfterUs[row])
  if ((block.flags[row] & WRITE_FLAG.coalesced) !== 0) {
    dc.coalesced++
  } else {
    dc.stored++
    dc.storedBytes += block.logicalBytes[row]
  }
  return true
}
