// A node's port: clients and peers come here, say who they are, and are refused unless they know the run's secret.
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Address } from '../../../bench/contract/driver.ts'
import type { Column } from '../../../bench/contract/table.ts'
import { GREETING_BYTES_MAX, MalformedFrame, REQUEST_BYTES_MAX, frameOf } from './frame.ts'
import { FrameSocket, MALFORMED } from './frame-socket.ts'
import { BEAT_MS, SILENCE_MS } from './follower.ts'
import { MESSAGE, type NodeStatus, REPLY, ROLE, decodeExactly, decodeHello, encodeNumbers } from './message.ts'
import { boundsOf } from './packed-rows.ts'
import { Requests } from './requests.ts'
import { Shipper } from './shipper.ts'
import type { Store } from './store.ts'

interface ServerOptions {
  readonly address: Address
  readonly secret: string
  readonly store: Store
  readonly peerIndices: readonly number[]
  readonly columns: readonly Column[]
  readonly status: () => NodeStatus
  readonly log: (line: string) => void
}

/** What serves a connection once it is known who is there. */
type Served = { readonly socket: FrameSocket } & (
  | { readonly role: 'stranger' | 'client'; readonly requests?: Requests }
  | { readonly role: 'peer'; readonly dcIndex: number; shipper?: Shipper }
)

const fingerprint = (secret: string): Buffer => createHash('sha256').update(secret).digest()

export class NodeServer {
  readonly #options: ServerOptions
  readonly #secret: Buffer
  readonly #server: Server
  readonly #served = new Set<Served>()
  readonly #beat: NodeJS.Timeout
  refusedConnections = 0
  malformedConnections = 0

  constructor(options: ServerOptions) {
    this.#options = options
    this.#secret = fingerprint(options.secret)
    this.#server = createServer((socket) => this.#accept(socket))
    this.#beat = setInterval(() => this.#beatPeers(), BEAT_MS)
  }

  listen(): Promise<void> {
    const { host, port } = this.#options.address
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      // Later ones tell of a connection that could not be taken, and of nothing else.
      this.#server.listen(port, host, () => {
        this.#server.on('error', (error) => this.#options.log(`no connection taken: ${error.message}`))
        resolve()
      })
    })
  }

  /** Whether a peer's stream is open. */
  ships(dcIndex: number): boolean {
    for (const served of this.#served) {
      if (served.role === 'peer' && served.dcIndex === dcIndex && served.shipper !== undefined) return true
    }
    return false
  }

  close(): void {
    clearInterval(this.#beat)
    this.#server.close()
    for (const served of this.#served) served.socket.close('the node ends')
  }

  #accept(tcp: Socket): void {
    const stranger = setTimeout(() => socket.close('no greeting in time'), SILENCE_MS)
    const socket: FrameSocket = new FrameSocket(tcp, GREETING_BYTES_MAX, {
      frame: (type, id, body) => {
        if (served.role === 'client') served.requests?.take(type, id, body)
        else if (served.role === 'peer') this.#peerSays(served, type, id, body)
        else if (type === MESSAGE.hello) {
          const greeted = this.#greet(socket, id, body)
          if (greeted === undefined) return
          clearTimeout(stranger)
          this.#served.delete(served)
          served = greeted
          this.#served.add(served)
        } else throw new MalformedFrame(`message ${type} before a greeting`)
      },
      drained: () => {
        if (served.role === 'client') served.requests?.regulate()
      },
      closed: (reason) => {
        clearTimeout(stranger)
        this.#served.delete(served)
        if (served.role === 'peer') served.shipper?.close()
        else served.requests?.close()
        if (reason.startsWith(MALFORMED)) this.malformedConnections++
        if (served.role !== 'client' || /^(malformed|failed)/.test(reason)) {
          this.#options.log(`connection of a ${served.role} ended: ${reason}`)
        }
      },
    })
    let served: Served = { role: 'stranger', socket }
    this.#served.add(served)
  }

  #greet(socket: FrameSocket, id: number, body: Buffer): Served | undefined {
    const { store, peerIndices, columns, status } = this.#options
    const { role, dcIndex, secret } = decodeHello(body)
    if (!timingSafeEqual(fingerprint(secret), this.#secret)) {
      this.refusedConnections++
      socket.close('refused: it does not know the secret of this run')
      return undefined
    }
    if (role === ROLE.peer && !peerIndices.includes(dcIndex)) throw new MalformedFrame(`there is no peer ${dcIndex}`)
    socket.limitBytes = REQUEST_BYTES_MAX
    socket.send(frameOf(MESSAGE.hello + REPLY, id, Buffer.alloc(0)))
    if (role === ROLE.peer) return { role: 'peer', socket, dcIndex }
    return { role: 'client', socket, requests: new Requests(socket, store, boundsOf(columns, store.vectorDcs), status) }
  }

  #peerSays(peer: Served & { readonly role: 'peer' }, type: number, id: number, body: Buffer): void {
    if (type === MESSAGE.acknowledge) {
      peer.shipper?.acknowledge(decodeExactly(body, 1)[0])
    } else if (type === MESSAGE.stream && peer.shipper === undefined) {
      this.#stream(peer, id, body)
    } else throw new MalformedFrame(`a peer may not send message ${type}`)
  }

  #stream(peer: Served & { readonly role: 'peer' }, id: number, body: Buffer): void {
    const { store, log } = this.#options
    const [logId, after] = decodeExactly(body, 2)
    // An older stream of the same peer, half dead, must not acknowledge any more.
    for (const other of this.#served) {
      if (other !== peer && other.role === 'peer' && other.dcIndex === peer.dcIndex) other.socket.close('replaced')
    }
    const known = logId === store.logId && after <= store.log.committed
    const from = Math.max(known ? after : 0, store.log.trimmedTo)
    peer.socket.send(frameOf(MESSAGE.stream + REPLY, id, encodeNumbers([store.logId, from])))
    log(`shipping to DC ${peer.dcIndex} from row ${from}`)
    peer.shipper = new Shipper(peer.socket, store, peer.dcIndex, from)
    peer.shipper.ship()
  }

  #beatPeers(): void {
    const nowMs = performance.now()
    for (const served of this.#served) {
      if (served.role !== 'peer') continue
      if (nowMs - served.socket.heardAtMs > SILENCE_MS) served.socket.close(`silent for ${SILENCE_MS} ms`)
      else served.shipper?.beat()
    }
  }
}
