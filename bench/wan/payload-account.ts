// What crossed the links of a pair, put together from two accounts that each fall short: the kernel's of connections that were
// there when it was asked, and Toxiproxy's of connections that have ended.
import type { RelayRoute } from './link-state.ts'
import type { TcpSocket } from './socket-table.ts'

/** The direction of a proxy's streams: `upstream` is from who connects to the target. */
export type Stream = 'upstream' | 'downstream'

const STREAMS: readonly Stream[] = ['upstream', 'downstream']

/** Bytes that Toxiproxy read from connections that have ended, by route and stream. */
type EndedBytes = (route: number, stream: Stream) => number

/** What is known of one stream of one route. */
interface Crossed {
  /** Payload that arrived, or of ended connections entered. */
  readonly bytes: number
  /** Payload that is between the two ends now. */
  readonly heldBytes: number
}

interface Followed {
  readonly route: number
  readonly stream: Stream
  readonly bytes: number
}

/** A connection's first acknowledgement, that of the side which dialled, counts one byte that is none. */
const HANDSHAKE_BYTES = 1

export class PayloadAccount {
  readonly #entries: ReadonlyMap<string, number>
  readonly #targets: ReadonlyMap<string, number>
  /** Of connections that were there when last looked, by their two ends. */
  #open = new Map<string, Followed>()
  readonly #closedBytes: Record<Stream, number>[]
  #crossed: readonly Readonly<Record<Stream, Crossed>>[] = []
  #connections: readonly number[] = []

  /** Connections enter at a route's port, whatever the address, and leave for its target, which no other route has. */
  constructor(routes: readonly RelayRoute[]) {
    this.#entries = new Map(routes.map(({ listen }, i) => [String(listen.port), i]))
    this.#targets = new Map(routes.map(({ target }, i) => [`${target.host}:${target.port}`, i]))
    this.#closedBytes = routes.map(() => ({ upstream: 0, downstream: 0 }))
  }

  /** Takes what both say now. Figures never go back, and never hold more than has crossed. */
  take(sockets: readonly TcpSocket[], ended: EndedBytes): void {
    const open = new Map<string, Followed>()
    const zero = () => this.#closedBytes.map(() => ({ upstream: 0, downstream: 0 }))
    const [arrived, entered] = [zero(), zero()]
    const connections = this.#closedBytes.map(() => 0)
    for (const { local, peer, established, acknowledgedBytes, receivedBytes } of sockets) {
      const entry = this.#entries.get(local.slice(local.lastIndexOf(':') + 1))
      const route = entry ?? this.#targets.get(peer)
      if (route === undefined) continue
      const dialled = entry === undefined
      // What a socket's peer acknowledged has arrived: on the entry's side these are answers.
      const stream = dialled ? 'upstream' : 'downstream'
      const bytes = Math.max(0, acknowledgedBytes - (dialled ? HANDSHAKE_BYTES : 0))
      open.set(`${local} ${peer}`, { route, stream, bytes })
      arrived[route][stream] += bytes
      entered[route][dialled ? 'downstream' : 'upstream'] += receivedBytes
      if (established && !dialled) connections[route]++
    }
    for (const [ends, { route, stream, bytes }] of this.#open) {
      // Ends that are used again count from zero.
      const now = open.get(ends)
      if (now === undefined || now.bytes < bytes) this.#closedBytes[route][stream] += bytes
    }
    this.#open = open
    this.#connections = connections
    this.#crossed = this.#closedBytes.map((closed, route) => {
      const of = (stream: Stream): Crossed => ({
        // Neither account has more than is true: one lacks what came after it last looked, the other what is still open.
        bytes: Math.max(closed[stream] + arrived[route][stream], ended(route, stream), this.#bytes(route, stream)),
        heldBytes: Math.max(0, entered[route][stream] - arrived[route][stream]),
      })
      return { upstream: of('upstream'), downstream: of('downstream') }
    })
  }

  crossed(route: number, stream: Stream): Crossed {
    return this.#crossed[route]?.[stream] ?? { bytes: 0, heldBytes: 0 }
  }

  /** Connections that stand at a route's entry. */
  connections(route: number): number {
    return this.#connections[route] ?? 0
  }

  #bytes(route: number, stream: Stream): number {
    return this.crossed(route, stream).bytes
  }
}

const ENDED = /^toxiproxy_proxy_received_bytes_total\{(?<labels>[^}]*)\} (?<value>\S+)$/gm

/** Reads Toxiproxy's metrics; `routeOf` turns a proxy's name into its route. */
export function endedBytesIn(metrics: string, routeOf: (proxy: string) => number): EndedBytes {
  const found = new Map<string, number>()
  for (const { groups } of metrics.matchAll(ENDED)) {
    const label = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(groups?.labels ?? '')?.[1] ?? ''
    const stream = STREAMS.find((one) => one === label('direction'))
    if (stream === undefined) continue
    const key = `${routeOf(label('proxy'))} ${stream}`
    found.set(key, (found.get(key) ?? 0) + Number(groups?.value))
  }
  return (route, stream) => found.get(`${route} ${stream}`) ?? 0
}
