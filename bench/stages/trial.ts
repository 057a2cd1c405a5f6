// What a row costs where rows arrive one by one: a closed loop fills its batches and its connections, and so finds a rate at which
// single arrivals would leave no room.
import { availableParallelism } from 'node:os'
import { delay, nowUs } from '../lib/clock.ts'
import type { House } from './house.ts'
import { spentCpuSeconds } from './spent-cpu.ts'
import { ORDER_AHEAD_US } from './thread-plan.ts'
import type { PhaseResult, Threads } from './threads.ts'

const RAMP_MS = 1000
const COUNTED_MS = 3000
/** The last count still finds the load under way. */
const COUNT_MARGIN_MS = 100
/** Of a quick run. */
const QUICKER = 3
/** From this share of all processors on it is they that limit a closed loop. */
const CPU_BOUND = 0.7

/** CPU over a time of load, of harness, links and stores together; null where it is not known. */
export interface LoadCost {
  readonly cpuUsPerRow: number | null
  /** Of all processors of the machine, 0 … 1. */
  readonly busyShare: number | null
}

/** What `rows` cost that took `cpuSeconds` within `seconds`. */
export function loadCost(
  rows: number,
  cpuSeconds: number | null,
  seconds: number,
  cores = availableParallelism(),
): LoadCost {
  if (cpuSeconds === null || rows <= 0) return { cpuUsPerRow: null, busyShare: null }
  return { cpuUsPerRow: (cpuSeconds * 1e6) / rows, busyShare: cpuSeconds / seconds / cores }
}

/**
 * What of a closed loop's rate is left for rows that arrive one by one: where processors limit it, the rate falls as the cost of
 * a row rises; elsewhere, and where costs are not known, all of it.
 */
export function openShare(closed: LoadCost, open: LoadCost): number {
  if (closed.cpuUsPerRow === null || closed.busyShare === null || closed.busyShare < CPU_BOUND) return 1
  return open.cpuUsPerRow === null ? 1 : Math.min(1, closed.cpuUsPerRow / open.cpuUsPerRow)
}

export interface Trial {
  readonly cost: LoadCost
  readonly phase: PhaseResult
  readonly startUs: number
  readonly endUs: number
}

/** Offers `rowsPerSecond` over all DCs for a moment and counts what they cost after a ramp. */
export async function trial(
  threads: Threads,
  house: House,
  offered: { readonly rowsPerSecond: number; readonly dcs: number },
  quick: boolean,
  signal: AbortSignal,
): Promise<Trial> {
  const shorter = quick ? QUICKER : 1
  const startUs = nowUs() + ORDER_AHEAD_US
  const endUs = startUs + ((RAMP_MS + COUNTED_MS) * 1000) / shorter
  const rowsPerSecond = offered.rowsPerSecond / offered.dcs
  const running = threads.phase({ name: 'trial', startUs, endUs, rowsPerSecond, probeShare: 0 })
  const counting = async () => {
    await delay((startUs - nowUs()) / 1000 + RAMP_MS / shorter, signal)
    const from = await reading(threads, house)
    await delay((endUs - nowUs()) / 1000 - COUNT_MARGIN_MS, signal)
    const to = await reading(threads, house)
    const spent = from.cpuSeconds === null || to.cpuSeconds === null ? null : to.cpuSeconds - from.cpuSeconds
    return loadCost(to.rows - from.rows, spent, (to.atUs - from.atUs) / 1e6)
  }
  const [phase, cost] = await Promise.all([running, counting()])
  return { cost, phase, startUs, endUs }
}

async function reading(threads: Threads, house: House) {
  const [counts, cpuSeconds] = await Promise.all([threads.counts(), spentCpuSeconds(house)])
  return { rows: counts.reduce((sum, { rows }) => sum + rows, 0), cpuSeconds, atUs: nowUs() }
}
