// When a system has warmed up: what a row costs, in CPU and in time, no longer falls. Pure.
import { AUDIT_BOUNDS, TREND_Z } from '../analyse/audit-table.ts'
import { median } from 'simple-statistics'
import { trendOf } from '../analyse/statistics.ts'
import type { CostWindow } from '../contract/warm-up.ts'

/** Windows over which a fall is judged, and how often in a row it must be small: one stretch may look flat by chance. */
const JUDGED = 10
const IN_A_ROW = 3
/** A service time that falls by less than this is no longer worth a wait, */
const SERVICE_FLOOR_MS = 0.5
/** nor is a CPU time, in cores of the machine. */
const CPU_FLOOR_CORES = 0.02

export interface Steadiness {
  readonly steady: boolean
  /** By what share of its median the figure that fell most did over the last windows; null where too few had one. */
  readonly fall: number | null
}

const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN)

/**
 * The Theil–Sen fall of a series over its length ÷ its median; 0 where it is below `floor`, or rises, or where the Mann–Kendall
 * test does not find it beyond `z`.
 */
function fallOf(series: readonly number[], floor: number, z = 0): number | null {
  const trend = trendOf(series)
  if (trend === null) return null
  return -trend.change <= floor || trend.z > -z ? 0 : -trend.change / trend.median
}

function largestFall(windows: readonly CostWindow[]): number | null {
  const series = (values: readonly (number | null)[]) =>
    values.every((value) => value === null) ? [] : [numbers(values)]
  const cpu = series(windows.map(({ cpuUsPerRow }) => cpuUsPerRow))
  const cpuFloorUs = (CPU_FLOOR_CORES * 1e6) / Math.max(1, median(windows.map((window) => window.rowsPerSecond)))
  // Service times are noisy where cores are short: of theirs only falls that chance does not explain are waited for.
  // A generator without any rows has nothing to say, nor has CPU that nobody counts.
  const services = windows[0].serviceP50Ms.flatMap((_, i) => series(windows.map((window) => window.serviceP50Ms[i])))
  const falls = [
    ...cpu.map((one) => fallOf(one, cpuFloorUs)),
    ...services.map((one) => fallOf(one, SERVICE_FLOOR_MS, TREND_Z)),
  ]
  return falls.length === 0 ? null : mostOf(falls)
}

/** The largest; null where one is not known. */
function mostOf(falls: readonly (number | null)[]): number | null {
  return falls.reduce((most, fall) => (most === null || fall === null ? null : Math.max(most, fall)), 0)
}

/** Judges the windows so far: steady when the last stretches of ten, each a window later, all fell by no more than the bound. */
export function steadinessOf(windows: readonly CostWindow[]): Steadiness {
  const falls = Array.from({ length: IN_A_ROW }, (_, back) => {
    const end = windows.length - back
    return end < JUDGED ? null : largestFall(windows.slice(end - JUDGED, end))
  })
  const fall = mostOf(falls)
  return { steady: fall !== null && fall <= AUDIT_BOUNDS.warmUpFall.bound, fall }
}
