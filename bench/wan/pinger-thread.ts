// The thread of a Pinger: one echo listener, and a connection to it through every directed link.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'
import type { Address } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'

const LOOPBACK = '127.0.0.1'
const PING_BYTES = 8
/** Pings under way on one link; while it holds, no more are sent. */
const UNDER_WAY_MAX = 100

/** One round trip from → to → from. `atUs` is when it was sent, on the clock of `nowUs`. */
export interface PingSample {
  readonly atUs: number
  readonly from: string
  readonly to: string
  readonly rttMs: number
}

/** Where the ping of one directed link enters it. */
export interface PingTarget {
  readonly from: string
  readonly to: string
  readonly address: Address
}

export type PingerRequest =
  | { readonly type: 'connect'; readonly targets: readonly PingTarget[] }
  /** null stops pinging. */
  | { readonly type: 'ping'; readonly periodMs: number | null }

export type PingerReport =
  | { readonly type: 'listening'; readonly echo: Address }
  | { readonly type: 'sample'; readonly sample: PingSample }

/** Pings over one link: a ping is its own send time, eight bytes. */
class PingedLink {
  readonly #target: PingTarget
  readonly #report: (sample: PingSample) => void
  #socket: Socket | undefined
  #underWay = 0
  #rest: Buffer = Buffer.alloc(0)
  /** The first ping of a connection pays for its handshake: it is not reported, and none overtakes it. */
  #isOpen = false

  constructor(target: PingTarget, report: (sample: PingSample) => void) {
    this.#target = target
    this.#report = report
  }

  ping(): void {
    const socket = this.#socket ?? this.#open()
    if (socket.connecting || this.#underWay >= (this.#isOpen ? UNDER_WAY_MAX : 1)) return
    const bytes = Buffer.alloc(PING_BYTES)
    bytes.writeDoubleLE(nowUs())
    socket.write(bytes)
    this.#underWay++
  }

  /** A link that was reset is opened again by the next ping. */
  #open(): Socket {
    const { host, port } = this.#target.address
    const socket = connect({ host, port, noDelay: true })
    this.#socket = socket
    this.#underWay = 0
    this.#isOpen = false
    this.#rest = Buffer.alloc(0)
    socket.on('data', (bytes) => this.#returned(nowUs(), bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => (this.#socket = undefined))
    return socket
  }

  #returned(atUs: number, bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    for (; at + PING_BYTES <= all.length; at += PING_BYTES) {
      const sentUs = all.readDoubleLE(at)
      const { from, to } = this.#target
      this.#underWay--
      if (this.#isOpen) this.#report({ atUs: sentUs, from, to, rttMs: (atUs - sentUs) / 1000 })
      this.#isOpen = true
    }
    this.#rest = all.subarray(at)
  }
}

function serve(
  post: (report: PingerReport) => void,
  onRequest: (handle: (request: PingerRequest) => void) => void,
): void {
  const echo = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => socket.write(bytes))
  })
  echo.listen(0, LOOPBACK, () => {
    post({ type: 'listening', echo: { host: LOOPBACK, port: (echo.address() as AddressInfo).port } })
  })
  let links: readonly PingedLink[] = []
  let timers: readonly NodeJS.Timeout[] = []
  let generation = 0
  const pingEvery = (periodMs: number) => {
    const started = ++generation
    timers = links.map((link, i) =>
      // Spread over the period, so that pings do not queue behind one another.
      setTimeout(
        () => {
          if (started !== generation) return
          link.ping()
          const each = setInterval(() => (started === generation ? link.ping() : clearInterval(each)), periodMs)
        },
        (i * periodMs) / links.length,
      ),
    )
  }
  onRequest((request) => {
    if (request.type === 'connect') {
      links = request.targets.map((target) => new PingedLink(target, (sample) => post({ type: 'sample', sample })))
    } else if (request.periodMs === null) {
      generation++
      for (const timer of timers) clearTimeout(timer)
    } else pingEvery(request.periodMs)
  })
}

const port = parentPort
if (port === null) throw new Error('the pinger runs as a thread')
serve(
  (report) => port.postMessage(report),
  (handle) => port.on('message', handle),
)
