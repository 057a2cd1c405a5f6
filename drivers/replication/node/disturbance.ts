// What a node may do wrong on purpose, so that the harness can be checked against a store whose faults are known.
// A node without a disturbance pays nothing for the possibility.
import type { NodePlanted } from './planted.ts'

/**
 * What becomes of a local row: kept and shipped, kept but never shipped to peers, not even stored; and of one whose outcome the
 * client is not told: `unanswered` is kept and shipped, `vanished` is not stored.
 */
export const FATE = { kept: 0, unshipped: 1, unstored: 2, unanswered: 3, vanished: 4 } as const
export type Fate = (typeof FATE)[keyof typeof FATE]

/** What is done with a remote row beside or instead of what should be. */
export interface Arrival {
  /** It is taken in as usual, but `holdBackMs` later: rows that come after it go ahead. */
  readonly late?: true
  /** This record is put in its place, whatever is there. */
  readonly instead?: Buffer
  /** Called `echoDelayMs` later: the record to put then, whatever is there, or nothing. */
  readonly echo?: () => Buffer | undefined
}

export interface Disturbance {
  /** How much later than it arrives a remote row becomes visible, in the order of its peer; absent where none does. */
  readonly applyDelayMs?: (dot: number) => number
  /** How much later a batch is acknowledged, by the dot of its first row; absent where none is. */
  readonly acknowledgeDelayMs?: (dot: number) => number
  readonly echoDelayMs: number
  readonly holdBackMs: number
  /** Of a local row that is to be stored with `version`, over one of version `known`; counts what it plants. */
  fate(key: number, dot: number, version: number, known: number): Fate
  /** Of a remote row, over one of version `known`; counts what it plants. Undefined: nothing unusual. */
  arrival(key: number, record: Buffer, known: number): Arrival | undefined
  /** A row that was held back is taken in now. */
  heldBackEnds(record: Buffer): void
  /** What has been planted so far, by name with the unit in the name. */
  counts(): Readonly<Record<string, number>>
  /** The same as findings that the harness must make. */
  planted(): readonly NodePlanted[]
}
