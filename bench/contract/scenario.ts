// What a user asked for, resolved: closed and typed, parsed once by bench/cli/scenario-schema.ts.
import type { FaultPlan } from './fault.ts'

export type RateAsked =
  | { readonly kind: 'auto' | 'auto-each' | 'max' }
  | { readonly kind: 'fixed'; readonly rowsPerSecond: number }

/** What was asked of one directed link beside what holds for all; a later one goes before an earlier one. */
export interface LinkAsked {
  readonly from: string
  readonly to: string
  readonly delayMs: number | undefined
  readonly jitterMs: number | undefined
  /** null: unlimited. */
  readonly bandwidthBytesPerSecond: number | null | undefined
}

export interface Scenario {
  readonly workload: string
  readonly drivers: readonly string[]
  /** Empty: each driver's default. */
  readonly replications: readonly string[]
  /** Empty: each driver's default. */
  readonly modes: readonly string[]
  readonly rows: number | undefined
  readonly overlap: number | undefined
  readonly skew: number | undefined
  readonly distribution: 'zipfian' | 'uniform' | 'hotspot' | 'latest' | 'sequential' | undefined
  /** undefined: the workload's own. */
  readonly deletes: number | undefined
  readonly causality: 'bounds' | 'exact'
  /** By DC: how far the clock that its versions are taken from runs ahead (behind where negative); DCs left out: not at all. */
  readonly clockSkewMs: Readonly<Record<string, number>>
  /** Writes the ledger in this form too. */
  readonly exportLedger: 'parquet' | 'csv' | undefined
  readonly rate: RateAsked
  readonly arrivals: 'poisson' | 'constant'
  readonly durationMs: number
  /** How long the load runs before it is measured, in ms; undefined: `steady` where the driver warms up, else a short time. */
  readonly warmup: number | 'steady' | undefined
  readonly dcs: readonly string[]
  readonly delayMs: number
  readonly jitterMs: number
  /** null: unlimited. */
  readonly bandwidthBytesPerSecond: number | null
  readonly links: readonly LinkAsked[]
  readonly seed: number
  readonly batchRows: number | undefined
  readonly lingerMs: number | undefined
  readonly writers: number | undefined
  readonly workers: number
  readonly timeoutMs: number
  readonly drainTimeoutMs: number
  readonly probesPerSecond: number | 'all'
  readonly repeat: number
  readonly quick: boolean
  /** What is broken on purpose in the measured phase. */
  readonly faults: readonly FaultPlan[]
  readonly deployment: 'local' | 'docker' | 'external'
  /** Of the deployment `docker`. */
  readonly containers: {
    /** By its name in docker/images.yaml: the image that is used instead. */
    readonly images: Readonly<Record<string, string>>
    /** What each store and each replication service may use at most; undefined: all that there is. */
    readonly cpus: number | undefined
    readonly memoryBytes: number | undefined
  }
  /** The file that says where the servers are; undefined: only the environment does. */
  readonly endpoints: string | undefined
  /** What is in the way on servers of the user's may be removed, though no run made it. */
  readonly replaceExisting: boolean
  /** Tables on servers of the user's are left when the run ends. */
  readonly keepTables: boolean
  /** Driver name → setting → value. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly out: string
  /** Where the stores keep their data; undefined: the system's folder for temporary files. */
  readonly data: string | undefined
  readonly ports: { readonly first: number; readonly last: number }
  readonly ledgerLimitBytes: number
}
