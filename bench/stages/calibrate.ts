// A brief closed loop that finds what a system can do here: what it acknowledges, and what it shows in the other DCs meanwhile.
import { BenchError } from '../contract/errors.ts'
import { delay, nowUs } from '../lib/clock.ts'
import { systemName, type System } from '../systems.ts'
import type { House } from './house.ts'
import { spentCpuSeconds } from './spent-cpu.ts'
import { ORDER_AHEAD_US } from './thread-plan.ts'
import type { PhaseResult, Threads } from './threads.ts'
import { loadCost, type LoadCost } from './trial.ts'

/** The first part of the loop warms up and is not counted. */
const RAMP_MS = 1500
const COUNTED_MS = 2500
const QUICK_COUNTED_MS = 1000
const COUNT_MARGIN_US = 100_000
/** Share of what the slower side of a system can do that `auto` offers: steady, with room for what is uneven. */
const AUTO_SHARE = 0.6
/** At an unknown rate this share of the rows is probed. */
const PROBE_SHARE = 0.01

/** What a closed loop found. */
export interface ClosedLoop {
  readonly acknowledgedPerSecond: number
  readonly visiblePerSecond: number
  readonly cost: LoadCost
  readonly phase: PhaseResult
  readonly startUs: number
  readonly endUs: number
}

/** Two or three significant digits, downwards: an offered rate is a round number. */
function roundRate(rowsPerSecond: number): number {
  const digit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, rowsPerSecond))) - 1)
  return Math.max(1, Math.floor(rowsPerSecond / digit) * digit)
}

/** What a system can do. */
export type Calibration = Pick<ClosedLoop, 'acknowledgedPerSecond' | 'visiblePerSecond'> & {
  /** What of that is left for rows that arrive one by one, 0 … 1. */
  readonly openShare: number
}

/** What a system can be offered by its calibration, in rows/s. */
export function autoRate({ acknowledgedPerSecond, visiblePerSecond, openShare }: Calibration): number {
  return roundRate(AUTO_SHARE * Math.min(acknowledgedPerSecond, visiblePerSecond) * openShare)
}

/** Says that a system still has a backlog after its calibration. Throws STORE, except where DCs that diverge never agree again. */
export function refuseBacklog(system: System): void {
  if (system.replication.capabilities.conflicts === 'diverges') return
  throw new BenchError(
    'STORE',
    `${systemName(system)} did not catch up after its calibration: give a --rate of your own, or more time with --drain-timeout.`,
  )
}

/** How long the loop runs before it counts: at most `mostMs`, until `untilSteady` resolves. */
export interface CalibrationRamp {
  readonly mostMs: number
  untilSteady(): Promise<void>
}

/**
 * Runs the closed loop on all generators, for a moment or as long as `ramp` says before it counts. The visible rate is the
 * acknowledged one × the share of the rows probed meanwhile that their probers have seen by the end, over all DCs; a row that a newer one hid counts as seen.
 */
export async function calibrate(
  threads: Threads,
  house: House,
  quick: boolean,
  readable: boolean,
  signal: AbortSignal,
  ramp?: CalibrationRamp,
): Promise<ClosedLoop> {
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
    const cpuSeconds = await spentCpuSeconds(house)
    const acknowledged = await threads.counts()
    return { acknowledged, cpuSeconds, atUs: nowUs(), seen: readable ? await threads.seen() : undefined }
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
  const rows = rowsIn(after.acknowledged) - rowsIn(before.acknowledged)
  const cpuSeconds =
    after.cpuSeconds === null || before.cpuSeconds === null ? null : after.cpuSeconds - before.cpuSeconds
  return {
    acknowledgedPerSecond,
    visiblePerSecond: seenShare * acknowledgedPerSecond,
    cost: loadCost(rows, cpuSeconds, (after.atUs - before.atUs) / 1e6),
    phase,
    startUs,
    endUs,
  }
}

const rowsIn = (counts: readonly { readonly rows: number }[]): number => counts.reduce((sum, { rows }) => sum + rows, 0)
