// Both directed links between two DCs, held by Toxiproxy: one proxy a route, a chain of toxics for each of its directions.
import type { Proxy } from 'toxiproxy-node-client'
import type { LinkChange, LinkCounters, LinkState, RelayConfig, RelayRoute } from './link-state.ts'
import { endedBytesIn, PayloadAccount, type Stream } from './payload-account.ts'
import { readSockets } from './socket-table.ts'
import { chainOf } from './toxic-chain.ts'
import { untilAnswered, type ToxiproxyServer } from './toxiproxy-server.ts'

interface RouteProxy {
  readonly route: RelayRoute
  readonly proxy: Proxy
  /** The attributes that each toxic was last given, by its name. */
  readonly told: Map<string, string>
}

const nameOf = (from: string, to: string): string => `${from}>${to}`
const textOf = ({ host, port }: RelayRoute['listen']): string => `${host}:${port}`
/** The directed link on which a stream of a route travels. */
const linkOf = ({ from, to }: RelayRoute, stream: Stream): string =>
  stream === 'upstream' ? nameOf(from, to) : nameOf(to, from)

export class ToxiproxyPair {
  readonly #config: RelayConfig
  readonly #server: ToxiproxyServer
  readonly #states: Map<string, LinkState>
  readonly #account: PayloadAccount
  #proxies: readonly RouteProxy[] = []
  /** Changes and counts take turns. */
  #turn: Promise<unknown> = Promise.resolve()
  #refuses = false

  constructor(config: RelayConfig, server: ToxiproxyServer) {
    this.#config = config
    this.#server = server
    this.#account = new PayloadAccount(config.routes)
    this.#states = new Map(
      config.links.map(({ from, to, delayMs, jitterMs, bandwidthBytesPerSecond = null }): [string, LinkState] => [
        nameOf(from, to),
        { delayMs, jitterMs, bandwidthBytesPerSecond, condition: 'open' },
      ]),
    )
  }

  /** Makes the proxies. Nobody can connect before the toxics of a proxy stand. */
  async open(): Promise<void> {
    this.#proxies = await Promise.all(
      this.#config.routes.map(async (route, i): Promise<RouteProxy> => {
        const [listen, upstream] = [textOf(route.listen), textOf(route.target)]
        const proxy = await this.#server.client.createProxy({ name: `route-${i}`, listen, upstream, enabled: false })
        const told = new Map<string, string>()
        for (const stream of ['upstream', 'downstream'] as const) {
          for (const toxic of chainOf(stream, this.#stateOf(route, stream))) {
            await proxy.addToxic(toxic)
            told.set(toxic.name, JSON.stringify(toxic.attributes))
          }
        }
        return { route, proxy, told }
      }),
    )
    await this.#enable(true)
  }

  set({ from, to, change }: LinkChange): Promise<void> {
    return this.#inTurn(async () => {
      const state = this.#states.get(nameOf(from, to))
      if (state === undefined) throw new Error(`no link from ${from} to ${to}`)
      this.#states.set(nameOf(from, to), { ...state, ...change })
      const refuses = [...this.#states.values()].some(({ condition }) => condition === 'reset')
      if (refuses && !this.#refuses) await this.#enable(false)
      await Promise.all(this.#proxies.map((proxy) => this.#tell(proxy)))
      if (!refuses && this.#refuses) await this.#enable(true)
      this.#refuses = refuses
    })
  }

  counters(): Promise<readonly LinkCounters[]> {
    return this.#inTurn(async () => {
      const [sockets, metrics] = await Promise.all([readSockets(), this.#server.metrics()])
      this.#account.take(
        sockets,
        endedBytesIn(metrics, (proxy) => Number(proxy.slice(proxy.lastIndexOf('-') + 1))),
      )
      return this.#config.links.map(({ from, to }) => this.#countersOf(from, to))
    })
  }

  #countersOf(from: string, to: string): LinkCounters {
    const counters = { payloadBytes: 0, heldBytes: 0, connections: 0 }
    for (const [i, route] of this.#config.routes.entries()) {
      if (!route.counted) continue
      if (route.from === from) counters.connections += this.#account.connections(i)
      const stream = route.from === from ? 'upstream' : 'downstream'
      const { bytes, heldBytes } = this.#account.crossed(i, stream)
      counters.payloadBytes += bytes
      counters.heldBytes += heldBytes
    }
    return { from, to, ...counters, condition: this.#states.get(nameOf(from, to))?.condition ?? 'open' }
  }

  #stateOf(route: RelayRoute, stream: Stream): LinkState {
    return this.#states.get(linkOf(route, stream)) as LinkState
  }

  /** Changes those toxics of a proxy that are not as they should be, and touches no other. */
  async #tell({ route, proxy, told }: RouteProxy): Promise<void> {
    for (const stream of ['upstream', 'downstream'] as const) {
      for (const wanted of chainOf(stream, this.#stateOf(route, stream))) {
        const text = JSON.stringify(wanted.attributes)
        if (told.get(wanted.name) === text) continue
        const toxic = await untilAnswered(() => proxy.getToxic<typeof wanted.attributes>(wanted.name))
        await untilAnswered(() => toxic.update(wanted))
        told.set(wanted.name, text)
      }
    }
  }

  /** A proxy that is disabled closes all its connections and refuses new ones. */
  async #enable(enabled: boolean): Promise<void> {
    await Promise.all(
      this.#proxies.map(({ proxy, route }) =>
        untilAnswered(() => proxy.update({ listen: textOf(route.listen), upstream: textOf(route.target), enabled })),
      ),
    )
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
