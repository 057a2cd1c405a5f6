// When a system has warmed up: what a row costs, in CPU and in time, no longer falls. Pure.
import { AUDIT_BOUNDS } from '../analyse/audit-table.ts'
import { median } from 'simple-statistics'
import { trendOf } from '../analyse/statistics.ts'
import type { CostWindow } from '../contract/run-folder.ts'

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

/** The Theil–Sen fall of a series over its length ÷ its median; 0 where it is below `floor`, or rises. */
function fallOf(series: readonly number[], floor: number): number | null {
  const trend = trendOf(series)
  if (trend === null) return null
  return -trend.change <= floor ? 0 : -trend.change / trend.median
}

function largestFall(windows: readonly CostWindow[]): number | null {
  const cpu = numbers(windows.map(({ cpuUsPerRow }) => cpuUsPerRow))
  const cpuFloorUs = (CPU_FLOOR_CORES * 1e6) / Math.max(1, median(windows.map((window) => window.rowsPerSecond)))
  const services = windows[0].serviceP50Ms.map((_, generator) => numbers(windows.map((w) => w.serviceP50Ms[generator])))
  // A generator without any rows has nothing to say; where nothing was acknowledged at all the CPU has no series either.
  const spoken = services.filter((series) => series.some((value) => !Number.isNaN(value)))
  const falls = [fallOf(cpu, cpuFloorUs), ...spoken.map((series) => fallOf(series, SERVICE_FLOOR_MS))]
  return mostOf(falls)
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
