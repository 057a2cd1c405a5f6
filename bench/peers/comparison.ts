// What a comparison with a peer is: what is compared, how far apart the two may be, and two ways to do the same work. And what a
// gauge is, which holds a figure of geowrite's alone against a number.
import type { Progress } from '../cli/progress.ts'
import type { Scenario } from '../contract/scenario.ts'
import type { Guardian } from '../deploy/guardian.ts'
import type { Registry } from '../registry.ts'

/** What one side did in one turn. */
export interface Sample {
  /** Rows, or what else is counted. */
  readonly amount: number
  readonly seconds: number
  /** CPU-seconds of the client with all its threads; the servers' are not counted. */
  readonly cpuSeconds: number
}

/** One of the two ways to do the work. */
export interface Side {
  /** Works for about `durationMs`. Rejects where any of the work failed: a rate with failures in it is none. */
  turn(durationMs: number): Promise<Sample>
}

/** Both sides, ready to take turns on the same ground. */
export interface Contest {
  readonly geowrite: Side
  readonly peer: Side
  /** Waits until what the last turn left behind is worked off, so that the next one does not pay for it. */
  settle(): Promise<void>
}

/** Where a comparison takes place. */
export interface ContestOrder {
  readonly registry: Registry
  readonly place: Pick<Scenario, 'data' | 'ports' | 'seed'>
  /** A folder of the comparison's own, removed afterwards. */
  readonly folder: string
  /** Ends the programs of peers with the harness. */
  readonly guardian: Guardian
  readonly progress: Progress
  readonly signal: AbortSignal
}

export interface Comparison {
  readonly name: string
  /** What is measured of geowrite. */
  readonly what: string
  /** What it is held against. */
  readonly peer: string
  /** What `amount` counts. */
  readonly unit: string
  /** The least ratio of the rates, geowrite's over the peer's; null where it is only reported. */
  readonly target: number | null
  /** Says in one sentence what is missing here and how to get it; undefined where nothing is. */
  missing(registry: Registry): Promise<string | undefined>
  /** Sets both sides up; `cleanup` gets what is to be ended when the comparison is over. */
  open(order: ContestOrder, cleanup: AsyncDisposableStack): Promise<Contest>
}

/** A figure of geowrite's own that no peer has: held against a number, or only told. */
export interface Gauge {
  readonly name: string
  readonly what: string
  /** Of the figure, such as `rows per client CPU-second` or `ms`. */
  readonly unit: string
  /** null where it is only reported. */
  readonly target: { readonly bound: number; readonly is: 'least' | 'most' } | null
  /** Says in one sentence what is missing here and how to get it; undefined where nothing is. */
  missing(registry: Registry): Promise<string | undefined>
  /** Sets up what is measured and resolves with the measurement, which takes about `durationMs` and is made several times. */
  open(order: ContestOrder, cleanup: AsyncDisposableStack): Promise<(durationMs: number) => Promise<number>>
}
