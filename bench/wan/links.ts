// The WAN as the harness sees it: which relay services a topology needs, where each route enters them, and their controls.
import type { Endpoints } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Container, PortName, Service } from '../contract/service.ts'
import { linkBetween, type Topology } from '../contract/topology.ts'
import { READY_LINE } from '../lib/service-process.ts'
import type { LinkCounters, LinkState, RelayConfig } from './link-state.ts'
import { RelayClient } from './relay-client.ts'
import type { LinkControl, LinkRoute } from './wan.ts'

const RELAY: LinkProgram = { script: new URL('./relay.ts', import.meta.url) }

/** What holds the links of a pair: a script that follows `relay.ts`, and how it runs in a container, if it does. */
interface LinkProgram {
  readonly script: URL
  readonly container?: Container
}

interface Pair {
  readonly a: string
  readonly b: string
}

interface PairClient {
  readonly pair: Pair
  readonly client: RelayClient
}

function pairsOf(topology: Topology): readonly Pair[] {
  return topology.dcs.flatMap((a, i) => topology.dcs.slice(i + 1).map((b) => ({ a: a.name, b: b.name })))
}

function pairOf(topology: Topology, from: string, to: string): Pair {
  const pair = pairsOf(topology).find(({ a, b }) => (a === from && b === to) || (a === to && b === from))
  if (pair === undefined) throw new TypeError(`no link from ${from} to ${to}`)
  return pair
}

const relayOf = ({ a, b }: Pair): string => `link ${a}~${b}`
const controlPort = ({ b }: Pair): string => `link control ${b}`
const entryPort = (from: string, to: string, port: string): string => `link ${from}>${to} ${port}`

/** The name of the relay service that holds the links between two DCs. */
export function relayBetween(topology: Topology, one: string, other: string): string {
  return relayOf(pairOf(topology, one, other))
}

/** Every port of every service, from every other DC: what clients and services may want to reach through the links. */
export function routesOf(topology: Topology, services: readonly Service[]): readonly LinkRoute[] {
  return services.flatMap((service) =>
    service.ports.flatMap((port) =>
      topology.dcs
        .filter((dc) => dc.name !== service.dc)
        .map((dc) => ({ from: dc.name, to: service.dc, port, counted: true })),
    ),
  )
}

/** One relay service for each unordered pair of DCs; it holds both directed links and listens once for each route. */
export function relayServices(topology: Topology, routes: readonly LinkRoute[], seed: number): readonly Service[] {
  return linkServices(topology, routes, seed, RELAY)
}

/** The same with another program. A container joins the networks of both DCs. */
export function linkServices(
  topology: Topology,
  routes: readonly LinkRoute[],
  seed: number,
  { script, container }: LinkProgram,
): readonly Service[] {
  return pairsOf(topology).map((pair): Service => {
    const { a, b } = pair
    const own = routes.filter(({ from, to }) => (from === a && to === b) || (from === b && to === a))
    return {
      name: relayOf(pair),
      dc: a,
      role: 'link',
      stage: 'deploy',
      ports: [controlPort(pair), ...own.map(({ from, to, port }) => entryPort(from, to, port))],
      reaches: own.filter(({ target }) => target === undefined).map(({ to, port }) => ({ dc: to, port })),
      files: (place) => {
        const config: RelayConfig = {
          control: place.ports[controlPort(pair)],
          links: [linkBetween(topology, a, b), linkBetween(topology, b, a)],
          routes: own.map(({ from, to, port, target, counted }) => ({
            from,
            to,
            listen: place.ports[entryPort(from, to, port)],
            target: target ?? place.reach(to, port),
            counted,
          })),
          seed,
        }
        return [{ path: 'relay.json', content: JSON.stringify(config) }]
      },
      setup: () => [],
      command: (place) => ({
        program: 'node',
        args: [place.source(script), `${place.folder}/relay.json`],
      }),
      ready: { type: 'line', starts: READY_LINE },
      readyTimeoutMs: 60_000,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 2_000,
      unprivileged: false,
      watchesParent: true,
      ...(container === undefined ? {} : { container: { ...container, joins: [b] } }),
    }
  })
}

/** The port at which a route enters the link: hand it to the deployment as its route. */
export function linkEntry(topology: Topology, from: string, to: string, port: string): PortName {
  return { dc: pairOf(topology, from, to).a, port: entryPort(from, to, port) }
}

/** The open control channels of all relays of a topology. */
export class RelayControl implements LinkControl {
  readonly #topology: Topology
  readonly #clients: readonly PairClient[]

  private constructor(topology: Topology, clients: readonly PairClient[]) {
    this.#topology = topology
    this.#clients = clients
  }

  /** Connects to every relay; they must be running. */
  static async open(topology: Topology, endpoints: Endpoints): Promise<RelayControl> {
    const opened = await Promise.allSettled(
      pairsOf(topology).map(async (pair) => ({
        pair,
        client: await RelayClient.open(endpoints[pair.a][controlPort(pair)]),
      })),
    )
    const clients = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const failed = opened.find((result) => result.status === 'rejected')
    if (failed === undefined) return new RelayControl(topology, clients)
    for (const { client } of clients) client[Symbol.dispose]()
    throw new BenchError('LINK', 'A relay of the WAN links does not answer; its log says why.', {
      cause: failed.reason,
    })
  }

  async set(from: string, to: string, change: Partial<LinkState>): Promise<void> {
    const { a, b } = pairOf(this.#topology, from, to)
    const entry = this.#clients.find(({ pair }) => pair.a === a && pair.b === b)
    await entry?.client.set({ from, to, change })
  }

  async counters(): Promise<readonly LinkCounters[]> {
    const parts = await Promise.all(this.#clients.map(({ client }) => client.counters()))
    return parts.flat()
  }

  [Symbol.dispose](): void {
    for (const { client } of this.#clients) client[Symbol.dispose]()
  }
}
