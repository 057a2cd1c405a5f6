// How soon anything that was sent in one DC can be in another: no link carries a byte faster than it was set to.
import type { FaultFacts } from '../contract/fault.ts'
import { linkBetween, type Link, type Topology } from '../contract/topology.ts'

/**
 * By directed link (see `linkIndex`), µs: its delay less its jitter, or that of a way over other DCs where it is shorter; 0 from
 * a DC to itself. Nothing is known of links that a fault gave another delay for a while: theirs is 0.
 */
export function leastDelaysUs(topology: Topology, faults: readonly FaultFacts[] = []): number[] {
  const names = topology.dcs.map((dc) => dc.name)
  const count = names.length
  const changed = faults.flatMap(({ kind, links }) => (kind === 'slow' ? links : []))
  const least = ({ from, to, delayMs, jitterMs }: Link) =>
    changed.some((link) => link.from === from && link.to === to) ? 0 : Math.max(0, delayMs - jitterMs) * 1000
  const us = names.flatMap((from) => names.map((to) => (from === to ? 0 : least(linkBetween(topology, from, to)))))
  for (let through = 0; through < count; through++) {
    for (let from = 0; from < count; from++) {
      for (let to = 0; to < count; to++) {
        const over = us[from * count + through] + us[through * count + to]
        us[from * count + to] = Math.min(us[from * count + to], over)
      }
    }
  }
  return us
}
