// The WAN of the docker deployment: a container for each pair of DCs, in the networks of both, whose Toxiproxy is the only way.
import { BenchError } from '../contract/errors.ts'
import type { Topology } from '../contract/topology.ts'
import { OWN_CONTAINER } from '../lib/process-service.ts'
import { linkServices, RelayControl } from './links.ts'
import { ServicePings } from './ping-service.ts'
import type { Wan } from './wan.ts'

const PROGRAM = { script: new URL('./toxiproxy-link.ts', import.meta.url), container: OWN_CONTAINER }

/** Toxiproxy counts bandwidth in kilobytes (1000 bytes) a second. */
const BANDWIDTH_STEP_BYTES = 1000

/** Toxiproxy counts whole milliseconds and kilobytes: what it would round is another link than the one asked for. */
function refuseFractions({ links }: Topology): void {
  for (const { from, to, delayMs, jitterMs, bandwidthBytesPerSecond = 0 } of links) {
    if (bandwidthBytesPerSecond % BANDWIDTH_STEP_BYTES !== 0)
      throw new BenchError(
        'USAGE',
        `The bandwidth of ${bandwidthBytesPerSecond} bytes/s from ${from} to ${to} cannot be had between containers, where Toxiproxy counts whole kilobytes: round it, or deploy with --deployment=local.`,
      )
    for (const [what, ms] of [
      ['delay', delayMs],
      ['jitter', jitterMs],
    ] as const) {
      if (Number.isInteger(ms)) continue
      throw new BenchError(
        'USAGE',
        `The ${what} of ${ms} ms from ${from} to ${to} cannot be had between containers, where Toxiproxy counts whole milliseconds: round it, or deploy with --deployment=local.`,
      )
    }
  }
}

export const toxiproxyWan: Wan = {
  linkServices(topology, routes, seed) {
    refuseFractions(topology)
    return linkServices(topology, routes, seed, PROGRAM)
  },
  control: (topology, endpoints) => RelayControl.open(topology, endpoints),
  pings: async (topology) => new ServicePings(topology),
}
