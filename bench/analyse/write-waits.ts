// How many round trips over the WAN a write took, beside how many it takes in theory.
import { figureOf } from '../contract/analysis.ts'
import type { Waits } from '../contract/driver.ts'
import { linkBetween, type Topology } from '../contract/topology.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import type { RoundTrips } from './round-trips.ts'

/** Without a delay there is nothing to divide by. */
const RTT_MIN_MS = 1

/**
 * The DC whose answer ends the wait of a write in `dc`; the nearest where it waits for none. By the delays that were asked for,
 * which are the same in every repeat, else by those that were measured.
 */
function awaitedBy(
  topology: Topology,
  dc: string,
  to: Waits['to'],
  measuredMs: (peer: string) => number | null,
): string {
  const askedMs = (peer: string) => linkBetween(topology, dc, peer).delayMs + linkBetween(topology, peer, dc).delayMs
  const others = topology.dcs.map(({ name }) => name).filter((name) => name !== dc)
  const asked = others.some((peer) => askedMs(peer) > 0)
  const tripMs = (peer: string) => (asked ? askedMs(peer) : (measuredMs(peer) ?? 0))
  const nearestFirst = others.toSorted((a, b) => tripMs(a) - tripMs(b))
  const place = { own: 1, majority: Math.floor(topology.dcs.length / 2), farthest: others.length }[to]
  return nearestFirst[place - 1]
}

/**
 * Adds, for each DC and the one that its writes wait for, `write_round_trips` and what theory says: as round trips, in ms, and
 * how many ms the writes took beyond. Theory is n/a where the driver gives none, all of it where the link was not pinged.
 */
export function addWriteWaits(list: MetricList, { dcs, stored }: RunData, roundTrips: readonly RoundTrips[]): void {
  const { waits } = stored.system
  for (const dc of dcs) {
    const tripTo = (peer: string) => roundTrips.find((t) => t.from === dc && t.to === peer && t.phase === 'during')
    const peer = awaitedBy(stored.scenario.topology, dc, waits?.to ?? 'own', (to) => tripTo(to)?.p50Ms ?? null)
    const trip = tripTo(peer)
    const rttMs = trip === undefined || trip.p50Ms < RTT_MIN_MS ? null : trip.p50Ms
    const { value: serviceMs, n } = figureOf(list.metrics, 'service_p50', { dc })
    const theoryMs = rttMs === null || waits === undefined ? null : waits.roundTrips * rttMs
    const where = { dc, peer }
    const taken = rttMs === null || serviceMs === null ? null : serviceMs / rttMs
    const beyond = theoryMs === null || serviceMs === null ? null : serviceMs - theoryMs
    list.add('write_round_trips', 'round trips', { value: taken, n }, where)
    list.add('write_round_trips_theory', 'round trips', { value: waits?.roundTrips ?? null }, where)
    list.add('write_wait_theory', 'ms', { value: theoryMs, n: trip?.n ?? null }, where)
    list.add('write_wait_beyond', 'ms', { value: beyond, n }, where)
  }
}
