// The shape of an estimate, and its sums.
import type { Topology } from './contract/topology.ts'

export interface EstimatedPhase {
  readonly name: string
  readonly seconds: number
}

export interface EstimatedSystem {
  readonly name: string
  readonly mode: string
  readonly batchRows: number
  readonly lingerMs: number
  readonly writers: number
  /** Of its first run. */
  readonly phases: readonly EstimatedPhase[]
}

type PartPlace = 'data' | 'out' | 'memory'

/** One thing that takes disk or memory at its largest. */
export interface Part {
  readonly name: string
  readonly place: PartPlace
  readonly bytes: number
  /** It depends on a rate that is not known yet: an upper bound, for which no run is refused. */
  readonly bound?: boolean
}

export interface Estimate {
  readonly workload: string
  readonly rows: number
  readonly topology: Topology
  readonly systems: readonly EstimatedSystem[]
  readonly runs: number
  readonly heldAtOnce: number
  readonly seconds: number
  readonly parts: readonly Part[]
}

/** Whether a part is worth a line. */
export const ADDED_PARTS = ({ bytes }: Part): boolean => bytes > 0

/** Bytes of a place: those that are sure as far as an estimate is, and with the bounds. */
export function bytesIn(
  { parts }: Estimate,
  ...places: readonly PartPlace[]
): { readonly sure: number; readonly most: number } {
  const there = parts.filter(({ place }) => places.includes(place))
  const sum = (some: readonly Part[]) => some.reduce((bytes, part) => bytes + part.bytes, 0)
  return { sure: sum(there.filter(({ bound }) => bound !== true)), most: sum(there) }
}
