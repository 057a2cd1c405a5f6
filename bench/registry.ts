// What exists: drivers and workloads by name, as bench/main.ts hands them to everything else.
import type { Driver } from './contract/driver.ts'
import type { Limits } from './contract/limits.ts'
import type { Workload } from './contract/workload.ts'

export interface DriverEntry {
  readonly driver: Driver
  /** The module that a thread loads it from, and the name that it exports. */
  readonly module: URL
  readonly exportName: string
  /** Where the user has it from; absent for those in the tree. */
  readonly file?: string
  /** How long it is waited for; absent: as long as anything is. */
  readonly limits?: Limits
}

export interface WorkloadEntry {
  readonly workload: Workload
  readonly module: URL
  readonly exportName: string
  readonly file?: string
  readonly limits?: Limits
}

export interface Registry {
  readonly drivers: readonly DriverEntry[]
  readonly workloads: readonly WorkloadEntry[]
}
