// Pings over links: what each round trip took, measured where the ping comes from.
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Address } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import { PingTimers } from './ping-timers.ts'

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

/** Pings links at a period that may change. */
export class PingedLinks {
  readonly #timers: PingTimers

  constructor(targets: readonly PingTarget[], report: (sample: PingSample) => void) {
    const links = targets.map((target) => new PingedLink(target, report))
    this.#timers = new PingTimers(links.map((link) => () => link.ping()))
  }

  /** Pings every link once in `periodMs` from now on; null stops. */
  every(periodMs: number | null): void {
    this.#timers.every(periodMs)
  }
}

/** Sends back what it gets; resolves when it listens. */
export function serveEcho(host: string, port: number): Promise<Server> {
  const echo = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => socket.write(bytes))
  })
  return new Promise((resolve, reject) => {
    echo.once('error', reject)
    echo.listen(port, host, () => resolve(echo))
  })
}
