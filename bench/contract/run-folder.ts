// What a run leaves behind: its files and the shape of run.json; all that is derived is a pure function of these files.
import type { Topology } from './topology.ts'
import type { Column } from './table.ts'
import type { Capabilities, Waits } from './driver.ts'
import type { PlantedFault } from './store-words.ts'
import type { ExternalFacts } from './external.ts'
import type { FaultFacts } from './fault.ts'
import type { WarmUpStretch } from './warm-up.ts'

/** Files of one run's folder. Raw files are written while it runs; derived ones again by every `report`. */
export const RUN_FILES = {
  run: 'run.json',
  ledger: 'ledger',
  export: 'export', // The ledger in a form for other programs, where it was asked for.
  events: 'events.csv',
  resources: 'resources.csv',
  links: 'links.csv',
  rtt: 'rtt.csv',
  intervals: 'intervals.csv',
  lag: 'lag.csv',
  conflicts: 'conflicts.csv',
  divergence: 'divergence.csv',
  histograms: 'latency.hlog',
} as const

export const writesFile = (dc: string, worker: number): string => `writes-${dc}-${worker}.bin`
export const probesFile = (dc: string): string => `probes-${dc}.bin`
export const finalFile = (dc: string): string => `final-${dc}.bin`
export const causesFile = (dc: string, worker: number): string => `causes-${dc}-${worker}.bin`
export const countsFile = (dc: string): string => `counts-${dc}.bin`

/** Columns of the raw CSV files. Times are seconds since the run's epoch with µs digits. */
export const EVENT_COLUMNS = ['at_s', 'kind', 'name', 'detail'] as const
/** One row a second and service; `role` is client, store, replication or link. Counters are cumulative. */
export const RESOURCE_COLUMNS = [
  'at_s',
  'service',
  'dc',
  'role',
  'cpu_s',
  'resident_bytes',
  'storage_write_bytes',
  'storage_read_bytes',
] as const
/** One row a second and directed link, five a second where a fault is to be followed. Counters are cumulative; the backlog is the store's word. */
export const LINK_COLUMNS = ['at_s', 'from', 'to', 'payload_bytes', 'held_bytes', 'backlog', 'backlog_unit'] as const
/** One row a ping: round trip of from → to → from. */
export const RTT_COLUMNS = ['at_s', 'from', 'to', 'phase', 'rtt_ms'] as const

/** What the generator of one worker says of one phase. */
export interface WorkerPhase {
  readonly dc: string
  readonly worker: number
  readonly phase: string
  /** Rows whose intended time fell into the phase. */
  readonly offered: number
  /** Rows given up because they were later than the backlog bound allows. */
  readonly dropped: number
  /** Slip: from when a batch should have been sent to when it was, where the client alone was late; null when nothing was sent. */
  readonly slipP50Ms: number | null
  readonly slipP99Ms: number | null
  readonly slipMaxMs: number | null
  /** Event-loop delay of the thread above its sampling period. */
  readonly eventLoopP99Ms: number
  readonly eventLoopMaxMs: number
  /** Share of the phase in which the thread was busy, 0 … 1. */
  readonly utilisation: number
  /** Failed and unknown batches by the driver's word. */
  readonly errors: Readonly<Record<string, number>>
}

export interface ProberFacts {
  readonly dc: string
  readonly asked: number
  readonly dropped: number
  readonly readErrors: number
  readonly reads: number
}

/** One comparison of all DCs over the touched keys: for each DC the time around its snapshot. */
export interface DigestCheck {
  readonly dcs: readonly { readonly dc: string; readonly startedUs: number; readonly endedUs: number }[]
  readonly equal: boolean
}

/** One divergent row as read back at the end. Absent rows have dot 0. */
export interface DivergentRow {
  readonly key: number
  readonly dcs: readonly {
    readonly dc: string
    readonly dot: number
    readonly version: number
    readonly whole: boolean
  }[]
}

export interface LinkVerification {
  readonly from: string
  readonly to: string
  /** null: the way is not ours to set. */
  readonly nominalRttMs: number | null
  readonly samples: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Counters of the links, of the services' CPU and I/O at one moment (µs since the epoch). */
export interface CounterMark {
  readonly name: 'measure-start' | 'measure-end' | 'converged' | 'flushed'
  readonly atUs: number
  /** Bytes written to the block device of the data folder by anybody, since it was attached; null where it has no such counter. */
  readonly deviceWriteBytes: number | null
  readonly links: readonly { readonly from: string; readonly to: string; readonly payloadBytes: number }[]
  readonly services: readonly {
    readonly service: string
    readonly dc: string
    readonly role: string
    /** null of a server that is not ours to measure. */
    readonly cpuSeconds: number | null
    /** null where the system does not count it. */
    readonly storageWriteBytes: number | null
    readonly residentMaxBytes: number | null
  }[]
}

/** What the services of a run were, of a deployment in containers. */
export interface ContainerFacts {
  /** The engine's version. */
  readonly engine: string
  /** `id` is what the engine had under that reference: the hash of the image's configuration. */
  readonly images: readonly { readonly name: string; readonly reference: string; readonly id: string }[]
  /** What each store and each replication service may use at most; null: all that there is. */
  readonly cpus: number | null
  readonly memoryBytes: number | null
}

/** The contents of run.json before any analysis. */
export interface RunFacts {
  readonly format: 1
  readonly index: number
  /** Which repeat of the same system this is, from 1. */
  readonly repeat: number
  readonly system: {
    readonly driver: string
    readonly replication: string
    readonly mode: string
    readonly capabilities: Capabilities
    readonly settings: Readonly<Record<string, string>>
    readonly store: {
      readonly version: string
      readonly durability: string
      readonly notForPublishing?: string
      readonly ownOrder?: string
      readonly settings: Readonly<Record<string, string>>
    } | null
    /** Absent in older runs, and where the driver does not say. */
    readonly waits?: Waits
  }
  readonly scenario: {
    readonly workload: string
    readonly rows: number
    readonly columns: readonly Column[]
    readonly overlap: number
    readonly skew: number
    readonly distribution: string
    readonly shardKey: string
    readonly topology: Topology
    readonly deployment: string
    /** Only under the deployment `external`: how the servers were used. */
    readonly external?: ExternalFacts
    readonly seed: number
    readonly arrivals: string
    /** Rows/s over all DCs as offered; null for `max`. */
    readonly rowsPerSecond: number | null
    readonly rateAsked: string
    readonly batchRows: number
    readonly lingerMs: number
    readonly writers: number
    readonly inFlight: number
    readonly timeoutMs: number
    readonly durationSeconds: number
    readonly probesPerSecond: number | 'all'
    readonly quick: boolean
    /** Absent in older runs, which had none of these. */
    readonly causality?: 'bounds' | 'exact'
    readonly deletes?: number
    /** The DCs took turns on every row: nothing can conflict, and writers are not independent. */
    readonly takesTurns?: boolean
    /** By DC: how far the clock that its versions are taken from runs ahead. */
    readonly clockSkewMs?: Readonly<Record<string, number>>
  }
  readonly epoch: { readonly wallMs: number; readonly monotonicUs: number; readonly clock: 'CLOCK_MONOTONIC, one host' }
  readonly machine: {
    readonly platform: string
    readonly kernel: string
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly node: string
    readonly geowrite: string
  }
  readonly ground: {
    readonly folder: string
    readonly fileSystem: string
    /** null: the stores are not on this machine. */
    readonly fdatasyncP50Ms: number | null
    readonly fdatasyncP99Ms: number | null
    readonly countsWrites: boolean
  }
  readonly phases: readonly { readonly name: string; readonly startUs: number; readonly endUs: number }[]
  readonly calibration: {
    readonly acknowledgedPerSecond: number
    readonly visiblePerSecond: number
    readonly rowsPerSecond: number
  } | null
  readonly loading: { readonly seconds: number; readonly how: string }
  /** Only of a run that warmed up until steady: what it came to, in the order of the phases. */
  readonly warmUp?: readonly WarmUpStretch[]
  readonly workers: readonly WorkerPhase[]
  readonly probers: readonly ProberFacts[]
  readonly links: { readonly before: readonly LinkVerification[] }
  readonly marks: readonly CounterMark[]
  /** What was broken on purpose, in the order in which it began; absent in runs of before there were faults. */
  readonly faults?: readonly FaultFacts[]
  readonly convergence: {
    readonly lastOutcomeUs: number
    readonly checks: readonly DigestCheck[]
    readonly timedOut: boolean
    /** The DCs differed, nothing was left to replicate and nothing changed any more, in a system that promises no convergence; absent in older runs. */
    readonly restedApart?: boolean
    /** Digests of the whole table at the end; null where the store cannot be read. */
    readonly wholeTableEqual: boolean | null
    /** How often all rows were read back until they stood still; absent in older runs. */
    readonly readBacks?: number
    readonly startedEqual: boolean | null
  }
  /** Divergent rows found by reading, capped; the total beside it. */
  readonly divergent: { readonly total: number; readonly rows: readonly DivergentRow[] }
  readonly counters: {
    readonly conflictsReported: { readonly count: number; readonly meaning: string } | null
    readonly own: Readonly<Record<string, number>>
    readonly planted?: readonly PlantedFault[]
  } | null
  readonly pressure: { readonly cpuSomeShare: number | null; readonly stealShare: number | null }
  readonly ledgerDropped: boolean
  /** Only of a deployment in containers. */
  readonly containers?: ContainerFacts
}
