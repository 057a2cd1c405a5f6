// A brief closed loop that finds what a system can do here: what it acknowledges, and what it shows in the other DCs meanwhile.
import { delay, nowUs } from '../lib/clock.ts'
import type { PhaseOrder } from './thread-plan.ts'
import type { PhaseResult, Threads } from './threads.ts'

/** The first part of the loop warms up and is not counted. */
const RAMP_MS = 1500
const COUNTED_MS = 2500
const QUICK_COUNTED_MS = 1000
/** Share of what the slower side of a system can do that `auto` offers: steady, with room for what is uneven. */
export const AUTO_SHARE = 0.6
/** At an unknown rate this share of the rows is probed. */
const PROBE_SHARE = 0.01

export interface Calibration {
  readonly acknowledgedPerSecond: number
  readonly visiblePerSecond: number
  readonly phase: PhaseResult
  readonly startUs: number
  readonly endUs: number
}

/** Two or three significant digits, downwards: an offered rate is a round number. */
export function roundRate(rowsPerSecond: number): number {
  const digit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, rowsPerSecond))) - 1)
  return Math.max(1, Math.floor(rowsPerSecond / digit) * digit)
}

/** Runs the closed loop on all generators. Visible rows are counted by the probed share that every prober has seen at the end. */
export async function calibrate(
  threads: Threads,
  quick: boolean,
  readable: boolean,
  signal: AbortSignal,
): Promise<Calibration> {
  const startUs = nowUs() + 20_000
  const endUs = startUs + (RAMP_MS + (quick ? QUICK_COUNTED_MS : COUNTED_MS)) * 1000
  const order: PhaseOrder = {
    name: 'calibrate',
    startUs,
    endUs,
    rowsPerSecond: null,
    probeShare: readable ? PROBE_SHARE : 0,
  }
  const running = threads.phase(order)
  // A failed phase is reported by whoever awaits it below.
  running.catch(() => undefined)
  await delay((startUs - nowUs()) / 1000 + RAMP_MS, signal)
  const beforeUs = nowUs()
  const before = threads.progress().acknowledged
  const seenBefore = readable ? await threads.seen() : undefined
  await delay((endUs - nowUs()) / 1000, signal)
  const counted = (nowUs() - beforeUs) / 1e6
  const after = threads.progress().acknowledged
  const seenAfter = readable ? await threads.seen() : undefined
  const phase = await running
  const acknowledgedPerSecond = (after - before) / counted
  const visiblePerSecond =
    seenBefore === undefined || seenAfter === undefined
      ? acknowledgedPerSecond
      : ((seenAfter.seen - seenBefore.seen) / Math.max(1, seenAfter.asked - seenBefore.asked)) * acknowledgedPerSecond
  return {
    acknowledgedPerSecond,
    visiblePerSecond: Math.min(visiblePerSecond, acknowledgedPerSecond),
    phase,
    startUs,
    endUs,
  }
}
