// The two directed links between one pair of DCs, and the connections that travel through them.
import { createServer, Socket, type Server } from 'node:net'
import { nowUs } from '../lib/clock.ts'
import { randomStream } from '../lib/random.ts'
import { Arrivals } from './arrivals.ts'
import { DirectedLink } from './directed-link.ts'
import { Flow, resetSocket } from './flow.ts'
import type { LinkChange, LinkCounters, RelayConfig, RelayRoute } from './link-state.ts'

/**
 * Node reads ahead up to this mark after a pause, and only then stops; as low as it goes, a paused connection holds one
 * piece of 64 KiB at most.
 */
const READ_AHEAD = { highWaterMark: 1 }

interface Connection {
  readonly sockets: readonly [Socket, Socket]
  readonly flows: readonly [Flow, Flow]
}

/** Listens on every route of a pair of DCs and passes bytes on as the links' states say. */
export class RelayPair {
  readonly #links: readonly [DirectedLink, DirectedLink]
  readonly #seed: number
  readonly #arrivals = new Arrivals()
  readonly #connections = new Set<Connection>()
  readonly #servers: Server[] = []
  #opened = 0

  constructor(config: Pick<RelayConfig, 'links' | 'seed'>) {
    this.#links = [new DirectedLink(config.links[0]), new DirectedLink(config.links[1])]
    this.#seed = config.seed
  }

  /** Starts to listen on all routes; rejects when a port is taken. */
  async listen(routes: readonly RelayRoute[]): Promise<void> {
    await this.#arrivals.started
    await Promise.all(
      routes.map((route) => {
        const server = createServer({ allowHalfOpen: true, noDelay: true, ...READ_AHEAD }, (socket) =>
          this.#accept(socket, route),
        )
        this.#servers.push(server)
        return new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen({ ...route.listen, backlog: 4096 }, resolve)
        })
      }),
    )
  }

  set({ from, to, change }: LinkChange): void {
    this.#link(from, to).change(change, nowUs())
    if (change.condition === 'reset') this.#resetAll()
  }

  counters(): readonly LinkCounters[] {
    return this.#links.map((link) => link.counters())
  }

  close(): void {
    for (const server of this.#servers) server.close()
    this.#resetAll()
    this.#arrivals[Symbol.dispose]()
  }

  #link(from: string, to: string): DirectedLink {
    const link = this.#links.find((candidate) => candidate.from === from && candidate.to === to)
    if (link === undefined) throw new TypeError(`no link from ${from} to ${to}`)
    return link
  }

  #accept(initiator: Socket, route: RelayRoute): void {
    if (this.#links.some(({ state }) => state.condition === 'reset')) {
      initiator.on('error', () => undefined)
      resetSocket(initiator)
      return
    }
    const there = this.#link(route.from, route.to)
    const back = this.#link(route.to, route.from)
    const target = new Socket({ allowHalfOpen: true, ...READ_AHEAD })
    target.setNoDelay(true)
    const ordinal = this.#opened++
    const common = { arrivals: this.#arrivals, counted: route.counted }
    const request = new Flow({
      ...common,
      link: there,
      source: initiator,
      sink: target,
      random: randomStream(this.#seed, ordinal, 0),
      opening: {
        connect: () => target.connect(route.target),
        answers: back,
        giveUp: () => this.#reset(connection),
      },
    })
    const reply = new Flow({
      ...common,
      link: back,
      source: target,
      sink: initiator,
      random: randomStream(this.#seed, ordinal, 1),
    })
    // The initiator sends when the answer to its SYN is back, the target when the third part of the handshake has come.
    const roundTripUs = there.delayUs + back.delayUs
    request.earliestUs = nowUs() + roundTripUs
    reply.earliestUs = request.earliestUs + there.delayUs
    const connection: Connection = { sockets: [initiator, target], flows: [request, reply] }
    this.#connections.add(connection)
    for (const socket of connection.sockets) {
      socket.on('close', () => {
        if (connection.sockets.every(({ destroyed }) => destroyed)) this.#drop(connection)
      })
    }
  }

  #drop(connection: Connection): void {
    for (const flow of connection.flows) flow.abandon()
    this.#connections.delete(connection)
  }

  #resetAll(): void {
    for (const connection of this.#connections) this.#reset(connection)
  }

  #reset(connection: Connection): void {
    this.#drop(connection)
    for (const socket of connection.sockets) resetSocket(socket)
  }
}
