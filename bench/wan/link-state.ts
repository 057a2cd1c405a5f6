// What a relay is told and what it tells: the configuration it starts with, the state of a directed link, its counters.
import type { Address } from '../contract/driver.ts'
import type { Link } from '../contract/topology.ts'

/**
 * `open`: bytes travel. `hold`: bytes wait and nothing is lost, as TCP in a blackhole that heals; they travel anew when
 * the link opens. `reset`: every connection of the pair is reset, in both directions, and new ones are refused.
 */
type LinkCondition = 'open' | 'hold' | 'reset'

/** The state of one directed link; what is absent in a change stays as it is. */
export interface LinkState {
  readonly delayMs: number
  /** The delay of a piece is uniform in delayMs ± jitterMs, but pieces of one connection keep their order. */
  readonly jitterMs: number
  /** Shared by all connections of the directed link; null is unlimited. */
  readonly bandwidthBytesPerSecond: number | null
  readonly condition: LinkCondition
}

/** A change of one directed link, as the relay's `set` request takes it. */
export interface LinkChange {
  readonly from: string
  readonly to: string
  readonly change: Partial<LinkState>
}

/** Counters of one directed link. `payloadBytes` is cumulative and, like `heldBytes`, leaves uncounted routes out. */
export interface LinkCounters {
  readonly from: string
  readonly to: string
  readonly payloadBytes: number
  /** Bytes in the relay now: under way, waiting for bandwidth, held by a fault, or not yet taken by their target. */
  readonly heldBytes: number
  readonly connections: number
  readonly condition: LinkCondition
}

/** One listening port of a relay: what connects there reaches `target` in the DC `to`. */
export interface RelayRoute {
  readonly from: string
  readonly to: string
  readonly listen: Address
  readonly target: Address
  /** Whether its bytes belong in the counters. */
  readonly counted: boolean
}

/** The whole configuration of a relay process: both directed links of one pair of DCs. */
export interface RelayConfig {
  readonly control: Address
  readonly links: readonly [Link, Link]
  readonly routes: readonly RelayRoute[]
  readonly seed: number
}
