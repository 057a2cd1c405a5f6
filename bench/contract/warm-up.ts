// How a run warmed up until it was steady, as run.json keeps it.

/** What a row cost in one window of the warm-up. */
export interface CostWindow {
  readonly seconds: number
  readonly rowsPerSecond: number
  /** CPU of all stores and replication services, µs a row acknowledged meanwhile; null where nothing was acknowledged. */
  readonly cpuUsPerRow: number | null
  /** Median service time of the batches answered meanwhile, by generator; null where none was. */
  readonly serviceP50Ms: readonly (number | null)[]
}

/** A stretch of load before the measured phase that went on until what a row costs fell no more (docs/measures.md). */
export interface WarmUpStretch {
  readonly phase: 'calibrate' | 'warmup'
  /** false: its time was over before that. */
  readonly steady: boolean
  /** By what share the dearest figure was still falling over the last windows; null where too few had one. */
  readonly fall: number | null
  readonly windows: readonly CostWindow[]
}
