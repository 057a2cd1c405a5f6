// What a node may do wrong on purpose, so that the harness can be checked against a store whose faults are known.
// A node without a disturbance pays nothing for the possibility.

/** What becomes of an acknowledged row: kept and shipped, kept but never shipped to peers, or not even stored. */
export const FATE = { kept: 0, unshipped: 1, unstored: 2 } as const
export type Fate = (typeof FATE)[keyof typeof FATE]

export interface Disturbance {
  /** How much later a remote row becomes visible, in the order of its peer. */
  readonly applyDelayMs: number
  /** How much later a write is acknowledged. */
  readonly acknowledgeDelayMs: number
  /** How much later an echo of a remote row is put. */
  readonly echoDelayMs: number
  /** Of a local row; counts what it plants. */
  fate(dot: number): Fate
  /** Whether a remote row is put a second time, whatever the row's version is by then; counts what it plants. */
  echoes(dot: number): boolean
  /** An echo put an older row in the place of a newer one. */
  echoRegressed(): void
  /** What has been planted so far, by name with the unit in the name. */
  counts(): Readonly<Record<string, number>>
}
