// What a generator or prober thread is told, and what it says back. Plain data only: a thread shares no memory with another,
// so that the same worker can run in another process or on another host.
import type { DeployPlan, Driver, Endpoints } from '../contract/driver.ts'
import type { WorkerPhase, ProberFacts } from '../contract/run-folder.ts'
import type { Workload, WorkloadOptions } from '../contract/workload.ts'
import type { ArrivalKind } from '../load/schedule.ts'

/** A driver or workload by module, so that in-tree and outside ones load alike. */
interface ModuleExport {
  readonly module: string
  readonly name: string
}

export async function loadDriver(from: ModuleExport): Promise<Driver> {
  return ((await import(from.module)) as Record<string, Driver>)[from.name]
}

export async function loadWorkload(from: ModuleExport): Promise<Workload> {
  return ((await import(from.module)) as Record<string, Workload>)[from.name]
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
}

export type ProberThreadPlan = ThreadPlan

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
  | { readonly type: 'stop' }
  | { readonly type: 'close' }

export interface Progress {
  readonly offered: number
  readonly acknowledged: number
  readonly failed: number
  readonly unknown: number
  readonly dropped: number
}

export type FromGenerator =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: Progress; readonly ledgerBytes: number }
  | {
      readonly type: 'phase'
      readonly facts: WorkerPhase
      readonly progress: Progress
      readonly lastOutcomeUs: number
      readonly touched: Float64Array
    }
  | { readonly type: 'closed' }
  | { readonly type: 'error'; readonly message: string }

export type ToProber = { readonly type: 'counts' } | { readonly type: 'close' }

/** Rows to look for, sent straight from a generator to the probers of the other DCs. */
export interface ProbeMessage {
  readonly sentUs: number
  readonly keys: Float64Array
  readonly dots: Float64Array
  readonly versions: Float64Array
}

export type FromProber =
  | { readonly type: 'ready' }
  | { readonly type: 'counts'; readonly asked: number; readonly seen: number; readonly waiting: number }
  | { readonly type: 'closed'; readonly facts: ProberFacts }
  | { readonly type: 'error'; readonly message: string }
