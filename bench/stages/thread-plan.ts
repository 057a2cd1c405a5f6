// What a generator or prober thread is told, and what it says back. Plain data only: a thread shares no memory with another,
// so that the same worker can run in another process or on another host.
import type { DeployPlan, Driver, Endpoints } from '../contract/driver.ts'
import { messageOf, type ErrorCode } from '../contract/errors.ts'
import { LIMITS, type Limits } from '../contract/limits.ts'
import { endingOf } from '../contract/machine-limits.ts'
import type { WorkerPhase, ProberFacts } from '../contract/run-folder.ts'
import type { Workload, WorkloadOptions } from '../contract/workload.ts'
import type { ArrivalKind } from '../load/schedule.ts'
import { blamedDriver, blamedWorkload } from '../outside/blame.ts'
import { blameForStray } from '../outside/culprit.ts'
import type { DriverEntry, WorkloadEntry } from '../registry.ts'

/** A driver or workload by module, so that in-tree and outside ones load alike. */
interface ModuleExport {
  readonly module: string
  readonly name: string
  /** The file as the user named it, of outside ones: their errors name it. */
  readonly file?: string
  readonly limits?: Limits
}

/** What a thread is told of a driver or workload. */
export function moduleExport({ module, exportName, file, limits }: DriverEntry | WorkloadEntry): ModuleExport {
  return {
    module: module.href,
    name: exportName,
    ...(file === undefined ? {} : { file }),
    ...(limits === undefined ? {} : { limits }),
  }
}

export async function loadDriver(from: ModuleExport): Promise<Driver> {
  const driver = ((await import(from.module)) as Record<string, Driver>)[from.name]
  return from.file === undefined ? driver : blamedDriver(driver, from.file, from.limits)
}

export async function loadWorkload(from: ModuleExport): Promise<Workload> {
  const workload = ((await import(from.module)) as Record<string, Workload>)[from.name]
  return from.file === undefined ? workload : blamedWorkload(workload, from.file, from.limits)
}

/**
 * How a thread says that it failed; what is known of whose fault it is goes along.
 * @param modules what runs in the thread beside the harness.
 */
export function failure(
  error: unknown,
  ...modules: readonly ModuleExport[]
): Extract<FromGenerator, { readonly type: 'error' }> {
  const outsiders = modules.flatMap(({ file, module }) => (file === undefined ? [] : [{ file, module }]))
  const known = blameForStray(error, outsiders) ?? endingOf(error)
  return { type: 'error', message: messageOf(known ?? error), ...(known === undefined ? {} : { code: known.code }) }
}

interface ThreadPlan {
  readonly driver: ModuleExport
  readonly deployPlan: DeployPlan
  readonly seen: Endpoints
  readonly dcIndex: number
  readonly mode: string
  readonly timeoutMs: number
  /** CLOCK_MONOTONIC and wall clock of the run's epoch, in µs. */
  readonly epochUs: number
  readonly epochWallUs: number
  /** The part of the run folder that this thread writes. */
  readonly path: string
}

export interface GeneratorThreadPlan extends ThreadPlan {
  readonly workload: ModuleExport
  readonly options: WorkloadOptions
  readonly seed: number
  readonly worker: number
  readonly workers: number
  readonly writers: number
  readonly batchRows: number
  readonly inFlight: number
  readonly lingerUs: number
  readonly arrivals: ArrivalKind
  /** How far the clock that versions are taken from runs ahead of the wall clock. */
  readonly clockSkewUs: number
  /** Where what the writes found is stored; only where causality is exact. */
  readonly causesPath?: string
}

export interface ProberThreadPlan extends ThreadPlan {
  /** Of the generators: all threads are looked at in one rhythm. */
  readonly silentMs: number
}

/** A phase starts this much after it was ordered, so that every thread has its order in time. */
export const ORDER_AHEAD_US = 20_000

/** One phase for one generator. `rowsPerSecond` is this DC's share; null for a closed loop. */
export interface PhaseOrder {
  readonly name: 'calibrate' | 'warmup' | 'measure'
  readonly startUs: number
  readonly endUs: number
  readonly rowsPerSecond: number | null
  readonly probeShare: number
}

export type ToGenerator =
  | { readonly type: 'phase'; readonly order: PhaseOrder }
  | { readonly type: 'counts' }
  /** The phase under way ends then, which is earlier than was ordered. */
  | { readonly type: 'end'; readonly endUs: number }
  | { readonly type: 'close' }

export interface Progress {
  readonly offered: number
  readonly acknowledged: number
  readonly failed: number
  readonly unknown: number
  readonly dropped: number
}

/** After what silence a thread that runs these counts as hanging. */
export function silentMsOf(...modules: readonly (ModuleExport | undefined)[]): number {
  return modules.find((one) => one?.limits !== undefined)?.limits?.silentMs ?? LIMITS.silentMs
}

/** How many times it says so within the time after which a thread counts as hanging. */
export const ALIVE_TIMES = 8

/** Said again and again, however busy the thread is: one from which it is missing comes back from no call. */
interface Alive {
  readonly type: 'alive'
}

export type FromGenerator =
  | Alive
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: Progress; readonly ledgerBytes: number }
  | {
      readonly type: 'phase'
      readonly facts: WorkerPhase
      readonly progress: Progress
      readonly lastOutcomeUs: number
      readonly touched: Float64Array
    }
  /** What the phase under way has done at `atUs`, and its median service time since it was last asked. */
  | {
      readonly type: 'counts'
      readonly progress: Progress
      readonly atUs: number
      readonly serviceP50Ms: number | null
    }
  | { readonly type: 'closed' }
  | { readonly type: 'error'; readonly message: string; readonly code?: ErrorCode }

export type ToProber = { readonly type: 'counts' } | { readonly type: 'close' }

/** Rows to look for, sent straight from a generator to the probers of the other DCs. */
interface WatchMessage {
  readonly type: 'watch'
  readonly sentUs: number
  readonly keys: Float64Array
  readonly dots: Float64Array
  readonly versions: Float64Array
}

/** Watched writes whose versions their store raised. */
interface RaiseMessage {
  readonly type: 'raise'
  readonly dots: Float64Array
  readonly versions: Float64Array
}

export type ProbeMessage = WatchMessage | RaiseMessage

export type FromProber =
  | Alive
  | { readonly type: 'ready' }
  | { readonly type: 'counts'; readonly asked: number; readonly seen: number; readonly waiting: number }
  | { readonly type: 'closed'; readonly facts: ProberFacts }
  | { readonly type: 'error'; readonly message: string; readonly code?: ErrorCode }
