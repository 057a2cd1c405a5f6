// What is asked of a table, as pure functions of a seed. No I/O, no clock.
import type { Table } from './table.ts'

export interface WorkloadOptions {
  readonly rows: number
  /** Share of keys that every DC writes, 0 … 1. */
  readonly overlap: number
  /** Zipfian exponent, 0 (uniform) … below 1 or above. */
  readonly skew: number
  readonly distribution: 'zipfian' | 'uniform' | 'hotspot' | 'latest' | 'sequential'
  /** Share of operations that delete their row instead of writing it, 0 … 1; 0 in workloads that cannot. */
  readonly deletes: number
}

/** One DC's operations in the order in which they arrive, the same whatever the driver, mode or number of workers. */
export interface OperationStream {
  /** Fills the first `count` entries with the next operations. */
  next(count: number, keys: Float64Array, operations: Uint8Array): void
}

export interface StreamPlan {
  readonly options: WorkloadOptions
  readonly seed: number
  readonly dcIndex: number
  readonly dcCount: number
  /** Which phase of the run: streams of different phases are independent. */
  readonly phase: number
}

export interface Workload {
  readonly name: string
  readonly summary: string
  readonly defaults: WorkloadOptions
  /** What the workload says of its table and its keys, in a few sentences for `list`. */
  readonly meaning: string
  /** What each of the options means here, a sentence each. */
  readonly optionMeanings: Readonly<Record<keyof WorkloadOptions, string>>
  /** Every operation inserts a row that is not there: modes that can only insert are allowed. */
  readonly appends: boolean
  /** It increments: only for systems that can. */
  readonly increments?: true
  /** A share of its operations can delete: `--deletes` is refused where this is absent. */
  readonly canDelete?: true
  /**
   * A DC writes a key only when the row that it holds was last written by the DC before it (in a ring, in the order of the
   * DCs), so that no two writes are concurrent. A write whose turn has not come is declined. Says which DC, by index, may
   * write a row first that only the load has written.
   */
  readonly takesTurns?: (key: number, options: WorkloadOptions, dcCount: number) => number
  table(options: WorkloadOptions): Table
  stream(plan: StreamPlan): OperationStream
}
