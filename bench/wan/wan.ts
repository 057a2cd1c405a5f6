// What a WAN is to the rest of the harness: services that hold the links, routes into them, their controls, and pings through them.
import type { Address, Endpoints } from '../contract/driver.ts'
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import type { LinkCounters, LinkState } from './link-state.ts'
import type { PingSample } from './pinged-link.ts'

/** The port of every DC that pings reach. */
export const ECHO_PORT = 'echo'

/** Where round trips come from that no DC takes itself, as a ping names it. */
export const HARNESS = 'harness'

/** A port of DC `to` that something in DC `from` reaches through the link. */
export interface LinkRoute {
  readonly from: string
  readonly to: string
  readonly port: string
  /** Where the port is; absent when it belongs to a service of the deployment. */
  readonly target?: Address
  /** Whether its bytes count as WAN payload. */
  readonly counted: boolean
}

/** Sets the state of links and reads their counters while a run lasts. */
export interface LinkControl extends Disposable {
  /** Changes the state of one directed link; `condition: 'reset'` resets the connections of both directions. */
  set(from: string, to: string, change: Partial<LinkState>): Promise<void>
  /** The counters of every directed link, now; rejects while what holds a link is down. */
  counters(): Promise<readonly LinkCounters[]>
}

/** Where pings come from: something in each DC that reaches every other through the link, and echoes what reaches it. */
export interface PingSource extends AsyncDisposable {
  /** What has to run for it beside the links. */
  readonly services: readonly Service[]
  readonly routes: readonly LinkRoute[]
  /** What it pings; absent: every link of the topology. */
  readonly pairs?: readonly { readonly from: string; readonly to: string }[]
  /** Connects through every link, once they stand; needed before any ping. `reach` tells where a route enters. */
  connect(reach: (from: string, to: string, port: string) => Address, endpoints: Endpoints): Promise<void>
  /** Pings every link once in `periodMs`; null stops. */
  ping(periodMs: number | null): void
  /** Calls `listener` with every round trip that returns. */
  onSample(listener: (sample: PingSample) => void): void
}

/** One kind of WAN. */
export interface Wan {
  /** The services that hold the links of a topology, entered at the routes. */
  linkServices(topology: Topology, routes: readonly LinkRoute[], seed: number): readonly Service[]
  /** Takes control of the links, once their services run and before any other does: they are as the topology says from then on. */
  control(topology: Topology, endpoints: Endpoints): Promise<LinkControl>
  pings(topology: Topology): Promise<PingSource>
}
