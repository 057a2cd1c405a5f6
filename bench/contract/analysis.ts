// What the analysis says of a run and of a bench: plain data, so that it can be kept in run.json and read by any report.
import type { Capabilities } from './driver.ts'
import type { PlantedFault } from './store-words.ts'
import type { FaultKindName } from './fault.ts'

/** A number with its bounds and sample size; null is "n/a", which is never 0. */
export interface Figure {
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly n: number | null
}

/** One row of metrics.csv without the columns that name the run. An empty `dc` or `peer` means all. */
export interface Metric extends Figure {
  readonly dc: string
  readonly peer: string
  readonly phase: string
  readonly metric: string
  readonly unit: string
}

/** One line of the self-audit: a measured value against the bound of the audit table. */
export interface AuditLine {
  readonly name: string
  readonly unit: string
  readonly value: number | null
  readonly bound: number
  readonly result: 'within' | 'outside' | 'not judged'
  /** What breaking the bound makes of the run. */
  readonly makes: 'invalid' | 'warning'
  /** Where the worst value was found, such as a DC or a link; empty for the whole run. */
  readonly where: string
  readonly why: string
}

export interface Verdict {
  readonly status: 'valid' | 'invalid'
  /** Why the run is invalid. */
  readonly reasons: readonly string[]
  /** What a reader should know beside the figures. */
  readonly warnings: readonly string[]
  /** Promises of the system that the run saw broken: data lost, or divergence where convergence is promised. */
  readonly broken: readonly string[]
}

/** How the conflict figures were found, from the strongest to the weakest; `exact` ones have probed or weaker bounds beside them. */
export type ConflictBasis = 'exact' | 'probed' | 'ordered' | 'estimated' | 'unknown'

/** One fault as reports name it; its figures are the metrics whose phase is its name. Seconds from the start of the measured phase. */
export interface FaultSummary {
  readonly name: string
  readonly kind: FaultKindName
  /** The links whose catching up was followed. */
  readonly links: readonly { readonly from: string; readonly to: string }[]
  readonly startSeconds: number
  /** When mending began, and when all was whole again. */
  readonly mendSeconds: number
  readonly endSeconds: number
}

/** A planted fault beside what was found: its metric with its bounds, in the run without the warm-up or over all, as the metric is. */
export interface PlantedFinding extends PlantedFault {
  readonly found: Figure
}

export interface RunAnalysis {
  readonly run: string
  readonly index: number
  readonly repeat: number
  readonly driver: string
  readonly replication: string
  readonly mode: string
  readonly capabilities: Capabilities
  readonly workload: string
  readonly shardKey: string
  readonly rows: number
  readonly seed: number
  readonly quick: boolean
  /** Why the figures are not for publishing, as what follows a colon; none where they are. Absent in analyses of older versions. */
  readonly notForPublishing?: readonly string[]
  readonly dcs: readonly string[]
  readonly links: readonly {
    readonly from: string
    readonly to: string
    readonly delayMs: number
    /** Absent in runs of older versions. */
    readonly jitterMs?: number
    /** Absent: unlimited. */
    readonly bandwidthBytesPerSecond?: number
    /** It was not ours to set: `delayMs` claims nothing. */
    readonly isUnknown?: true
  }[]
  readonly rateAsked: string
  /** Rows/s offered over all DCs; null in closed loop. */
  readonly rowsPerSecond: number | null
  readonly measuredSeconds: number
  readonly durability: string
  readonly fdatasyncP50Ms: number | null
  readonly conflictBasis: ConflictBasis
  /** The workload's DCs take turns on every key, so that no two writes are concurrent. */
  readonly takesTurns?: true
  /** What the store's own conflict counter counts, in its driver's words; absent where it has none. */
  readonly reportedMeaning?: string
  /** What the store planted on purpose, and what was found of it; absent where nothing was. */
  readonly planted?: readonly PlantedFinding[]
  /** Plain sentences on how figures were found where that is not the usual way. */
  readonly notes: readonly string[]
  readonly metrics: readonly Metric[]
  readonly audit: readonly AuditLine[]
  /** Absent in a run without faults. */
  readonly faults?: readonly FaultSummary[]
  readonly verdict: Verdict
}

/** All repeats of one system under one shard key: medians in `value`, smallest and largest in `low` and `high`. */
export interface SystemAnalysis {
  readonly label: string
  readonly driver: string
  readonly replication: string
  readonly shardKey: string
  readonly capabilities: Capabilities
  readonly conflictBasis: ConflictBasis
  /** Run names of the repeats, in order. */
  readonly runs: readonly string[]
  readonly rowsPerSecond: number | null
  /** Of one run the run's own bounds; of several the spread over the runs. */
  readonly metrics: readonly Metric[]
}

export interface BenchAnalysis {
  readonly folder: string
  readonly workload: string
  readonly runs: readonly RunAnalysis[]
  readonly systems: readonly SystemAnalysis[]
  readonly verdict: Verdict
}

/** The figure of a metric, or nothing known: all DCs and the measured phase unless said otherwise. */
export function figureOf(
  metrics: readonly Metric[],
  metric: string,
  at: { readonly dc?: string; readonly peer?: string; readonly phase?: string } = {},
): Figure {
  const { dc = '', peer = '', phase } = at
  const found = metrics.find(
    (m) => m.metric === metric && m.dc === dc && m.peer === peer && (phase === undefined || m.phase === phase),
  )
  return found ?? { value: null, low: null, high: null, n: null }
}
