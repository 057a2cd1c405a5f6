// The WAN between servers of the user's: there is no link of ours to set or to count, and what can be timed is the way from the
// harness to each DC.
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Address, Endpoints } from '../contract/driver.ts'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { ExternalPingPlan, ExternalPingRequest } from './external-pinger-thread.ts'
import type { PingSample, PingTarget } from './pinged-link.ts'
import { HARNESS, type PingSource, type Wan } from './wan.ts'

const REACHED_WITHIN_MS = 10_000

/** Resolves with the address at which a connection opens, of those that the host's name may have. Rejects with SERVERS when it does not. */
async function reached(dc: string, port: string, { host, port: number }: Address): Promise<string> {
  const socket = connect({ host, port: number })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  socket.once('connect', () => resolve(socket.remoteAddress ?? host))
  socket.once('error', reject)
  socket.setTimeout(REACHED_WITHIN_MS, () => reject(new Error(`no answer within ${REACHED_WITHIN_MS / 1000} s`)))
  try {
    return await promise
  } catch (error) {
    throw new BenchError(
      'SERVERS',
      `The port ${port} of ${dc} cannot be reached at ${host}:${number} (${messageOf(error)}): see that its server runs, that the endpoints are right, and that nothing between here and there refuses it.`,
      { cause: error },
    )
  } finally {
    socket.destroy()
  }
}

class HarnessPings implements PingSource {
  readonly services = []
  readonly routes = []
  readonly pairs: readonly { readonly from: string; readonly to: string }[]
  readonly #ports: Endpoints
  #thread: Worker | undefined
  #listener: (sample: PingSample) => void = () => undefined

  constructor(ports: Endpoints) {
    this.#ports = ports
    this.pairs = Object.keys(ports).map((dc) => ({ from: HARNESS, to: dc }))
  }

  async connect(): Promise<void> {
    const targets = await Promise.all(
      Object.entries(this.#ports).map(async ([dc, ports]): Promise<PingTarget> => {
        const [[port, address]] = Object.entries(ports)
        const host = await reached(dc, port, address)
        return { from: HARNESS, to: dc, address: { host, port: address.port } }
      }),
    )
    const thread = new Worker(new URL('./external-pinger-thread.ts', import.meta.url))
    this.#thread = thread
    thread.on('message', (sample: PingSample) => this.#listener(sample))
    thread.unref()
    const plan: ExternalPingPlan = { targets }
    thread.postMessage(plan)
  }

  ping(periodMs: number | null): void {
    const request: ExternalPingRequest = { periodMs }
    this.#thread?.postMessage(request)
  }

  onSample(listener: (sample: PingSample) => void): void {
    this.#listener = listener
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread?.terminate()
  }
}

/** `ports`: of every DC, as the harness reaches them; the first of each is pinged. */
export function externalWan(ports: Endpoints): Wan {
  return {
    linkServices: () => [],
    control: async () => ({
      set: async (from, to) => {
        throw new BenchError('BUG', `The link from ${from} to ${to} is not ours to change.`)
      },
      counters: async () => [],
      [Symbol.dispose]: () => undefined,
    }),
    pings: async () => new HarnessPings(ports),
  }
}
