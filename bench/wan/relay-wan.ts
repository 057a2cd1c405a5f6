// The WAN of the local deployment: relays of our own, one process a pair of DCs.
import { RelayControl, relayServices } from './links.ts'
import { ThreadPings } from './thread-pings.ts'
import type { Wan } from './wan.ts'

export const relayWan: Wan = {
  linkServices: relayServices,
  control: (topology, endpoints) => RelayControl.open(topology, endpoints),
  pings: (topology) => ThreadPings.open(topology),
}
