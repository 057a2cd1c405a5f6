// A brief closed loop that finds what a system can do here: what it acknowledges, and what it shows in the other DCs meanwhile.
import { delay, nowUs } from '../lib/clock.ts'
import { ORDER_AHEAD_US } from './thread-plan.ts'
import type { PhaseResult, Threads } from './threads.ts'

/** The first part of the loop warms up and is not counted. */
const RAMP_MS = 1500
const COUNTED_MS = 2500
const QUICK_COUNTED_MS = 1000
const COUNT_MARGIN_US = 100_000
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

/** How long the loop runs before it counts: at most `mostMs`, until `untilSteady` resolves. */
export interface CalibrationRamp {
  readonly mostMs: number
  untilSteady(): Promise<void>
}

/**
 * Runs the closed loop on all generators, for a moment or as long as `ramp` says before it counts. The visible rate is the acknowledged one × the share of the rows probed meanwhile
 * that their probers have seen by the end, over all DCs; a row that a newer one hid counts as seen.
 */
export async function calibrate(
  threads: Threads,
  quick: boolean,
  readable: boolean,
  signal: AbortSignal,
  ramp?: CalibrationRamp,
): Promise<Calibration> {
  const startUs = nowUs() + ORDER_AHEAD_US
  const countedMs = quick ? QUICK_COUNTED_MS : COUNTED_MS
  const probeShare = readable ? PROBE_SHARE : 0
  // An end that is surely late enough; the true one is said when the loop counts.
  const lateUs = startUs + (RAMP_MS + (ramp?.mostMs ?? 0) + countedMs) * 1000 + 2 * COUNT_MARGIN_US
  const running = threads.phase({ name: 'calibrate', startUs, endUs: lateUs, rowsPerSecond: null, probeShare })
  // A failed phase is reported by whoever awaits it below.
  running.catch(() => undefined)
  const count = async (atUs: number) => {
    await delay(Math.max(0, (atUs - nowUs()) / 1000), signal)
    return { acknowledged: await threads.counts(), seen: readable ? await threads.seen() : undefined }
  }
  await ramp?.untilSteady()
  const countFromUs = ramp === undefined ? startUs + RAMP_MS * 1000 : nowUs()
  const countToUs = countFromUs + countedMs * 1000
  // The loop goes on a little, so that the second count still finds it under way.
  const endUs = countToUs + COUNT_MARGIN_US
  threads.endPhase(endUs)
  const before = await count(countFromUs)
  const after = await count(countToUs)
  const phase = await running
  const acknowledgedPerSecond = after.acknowledged.reduce((sum, { rows, atUs }, i) => {
    const earlier = before.acknowledged[i]
    return sum + ((rows - earlier.rows) * 1e6) / (atUs - earlier.atUs)
  }, 0)
  const asked = (after.seen?.asked ?? 0) - (before.seen?.asked ?? 0)
  const seen = (after.seen?.seen ?? 0) - (before.seen?.seen ?? 0)
  const seenShare = readable ? Math.min(1, seen / Math.max(1, asked)) : 1
  return { acknowledgedPerSecond, visiblePerSecond: seenShare * acknowledgedPerSecond, phase, startUs, endUs }
}
