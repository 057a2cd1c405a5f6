// What was offered, acknowledged, refused and left unknown in the measured phase, and how long it took.
import type { Histogram } from 'hdr-histogram-js'
import { DurationCounts } from '../lib/duration-counts.ts'
import type { PackedCells } from './interval-cells.ts'
import { addPacked } from './packed-durations.ts'
import { addInto } from './sums.ts'
import type { DcCounts, TrafficPart } from './traffic-count.ts'

/** One DC's measured phase. Counts are rows. */
export interface DcTraffic extends DcCounts {
  /** From the intended start to the acknowledgement, µs. */
  readonly response: Histogram
  /** From the send to the acknowledgement, µs. */
  readonly service: Histogram
}

export interface Traffic {
  readonly byDc: readonly DcTraffic[]
  /** Rows acknowledged in each slice. */
  readonly acknowledgedBySlice: Float64Array
  /** Response times of the rows that were to start in each slice, µs. */
  readonly responseBySlice: readonly Histogram[]
  /** What intervals are made of. */
  readonly cells: readonly PackedCells[]
}

/** Puts together what threads counted, one at least. */
export function joinTraffic(parts: readonly TrafficPart[]): Traffic {
  const [first, ...others] = parts
  const { byDc, acknowledgedBySlice } = first
  for (const part of others) {
    addInto(byDc, part.byDc)
    addInto(acknowledgedBySlice, part.acknowledgedBySlice)
  }
  const bySlice = Array.from(acknowledgedBySlice, () => new DurationCounts())
  const times = byDc.map(() => ({ response: new DurationCounts(), service: new DurationCounts() }))
  for (const part of parts) {
    addAll(part.responseBySlice, bySlice)
    addAll(
      part.timesByDc,
      times.flatMap(({ response, service }) => [response, service]),
    )
  }
  return {
    byDc: byDc.map((counts, dc) => ({
      ...counts,
      response: times[dc].response.histogram(),
      service: times[dc].service.histogram(),
    })),
    acknowledgedBySlice,
    responseBySlice: bySlice.map((counts) => counts.histogram()),
    cells: parts.map((part) => part.cells),
  }
}

function addAll(bytes: Uint8Array, to: readonly DurationCounts[]): void {
  let at = 0
  for (const counts of to) at = addPacked(bytes, at, counts)
}
