// The thread that takes round trips between the harness and servers of the user's: how long a TCP connection takes to open, which
// is one round trip that the other side's kernel answers, whatever its server is doing.
import { connect } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { nowUs } from '../lib/clock.ts'
import type { PingSample, PingTarget } from './pinged-link.ts'
import { PingTimers } from './ping-timers.ts'

/** Connections under way to one server; while it does not answer, no more are begun. */
const UNDER_WAY_MAX = 20

/** What the thread is started with: addresses are numeric, so that no name is looked up in a round trip. */
export interface ExternalPingPlan {
  readonly targets: readonly PingTarget[]
}

/** null stops pinging. */
export interface ExternalPingRequest {
  readonly periodMs: number | null
}

const parent = parentPort
if (parent === null) throw new Error('the pinger runs as a thread')

/** Opens a connection, reports how long that took, and closes it: a server forgets one on which nothing was said. */
function pingOf({ from, to, address: { host, port } }: PingTarget): () => void {
  let underWay = 0
  return () => {
    if (underWay >= UNDER_WAY_MAX) return
    underWay++
    const atUs = nowUs()
    const socket = connect({ host, port, noDelay: true })
    socket.once('connect', () => {
      const sample: PingSample = { atUs, from, to, rttMs: (nowUs() - atUs) / 1000 }
      parent?.postMessage(sample)
      socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => underWay--)
  }
}

parent.once('message', ({ targets }: ExternalPingPlan) => {
  const timers = new PingTimers(targets.map(pingOf))
  parent.on('message', ({ periodMs }: ExternalPingRequest) => timers.every(periodMs))
})
