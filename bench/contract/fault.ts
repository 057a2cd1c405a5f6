// What is broken on purpose in the measured phase, as data: asked for in a scenario, and afterwards as it happened.

export const FAULT_KINDS = ['blackhole', 'cut', 'reset', 'slow', 'kill', 'pause', 'restart'] as const
export type FaultKindName = (typeof FAULT_KINDS)[number]

/** What is hit: the links of a pair of DCs, one directed link, the stores of a DC, or services of a DC by name. */
export type FaultTarget =
  | { readonly type: 'pair'; readonly a: string; readonly b: string }
  | { readonly type: 'link'; readonly from: string; readonly to: string }
  | { readonly type: 'dc'; readonly dc: string }
  | { readonly type: 'service'; readonly dc: string; readonly service: string }

/** One fault as asked for. Times count from the start of the measured phase. */
export interface FaultPlan {
  /** The user's words without the times, such as `kill eu-west`; unique in a scenario. */
  readonly name: string
  readonly kind: FaultKindName
  readonly target: FaultTarget
  readonly startMs: number
  readonly lengthMs: number
  /** Of `slow`: the one-way delay meanwhile. */
  readonly delayMs?: number
  /** Of `slow`: the bandwidth meanwhile. */
  readonly bandwidthBytesPerSecond?: number
}

/** One fault as it happened. Times are µs since the run's epoch. */
export interface FaultFacts {
  readonly name: string
  readonly kind: FaultKindName
  /** DCs whose services were hit, or that the links hit lead from or to. */
  readonly dcs: readonly string[]
  /** Directed links hit; empty for faults of services. */
  readonly links: readonly { readonly from: string; readonly to: string }[]
  /** Services hit; empty for faults of links. */
  readonly services: readonly string[]
  readonly startUs: number
  /** When mending began: the links were opened, or the services told to start or go on. */
  readonly mendUs: number
  /** When all was whole again: the links open, the services ready. */
  readonly endUs: number
}
