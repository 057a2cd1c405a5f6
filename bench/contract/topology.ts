// DCs and the WAN links between them, as data.

/** A data centre. `index` is its place in the topology, and the low four bits of every version written there. */
export interface Dc {
  readonly name: string
  readonly index: number
}

/** The directed WAN path from one DC to another. `bandwidthBytesPerSecond` absent means unlimited. */
export interface Link {
  readonly from: string
  readonly to: string
  readonly delayMs: number
  readonly jitterMs: number
  readonly bandwidthBytesPerSecond?: number
  /** It is not ours to set: nothing is known of it, and its numbers are bounds that claim nothing. */
  readonly isUnknown?: true
}

export interface Topology {
  readonly dcs: readonly Dc[]
  readonly links: readonly Link[]
}

/** DC indices take four bits of a version and of a dot. */
export const DC_COUNT_MAX = 16

/** The link from one DC to another; throws a TypeError when the topology has none. */
export function linkBetween(topology: Topology, from: string, to: string): Link {
  const link = topology.links.find((candidate) => candidate.from === from && candidate.to === to)
  if (link === undefined) throw new TypeError(`no link from ${from} to ${to}`)
  return link
}
