// Pings where DCs are networks of their own: a service in each pings the others through the links, and the harness fetches what
// returned.
import type { Address, Endpoints } from '../contract/driver.ts'
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import { nowUs } from '../lib/clock.ts'
import { ControlClient } from '../lib/control.ts'
import { processService } from '../lib/process-service.ts'
import type { PingProcessConfig } from './ping-process.ts'
import type { PingSample, PingTarget } from './pinged-link.ts'
import { ECHO_PORT, type LinkRoute, type PingSource } from './wan.ts'

const PROCESS = new URL('./ping-process.ts', import.meta.url)
const CONTROL_PORT = 'pinger control'
const FETCH_EVERY_MS = 100
const CLOCK_READINGS = 9

interface Pinger {
  readonly client: ControlClient
  /** Its clock less ours, µs. */
  readonly aheadUs: number
}

export class ServicePings implements PingSource {
  readonly services: readonly Service[]
  readonly routes: readonly LinkRoute[]
  readonly #topology: Topology
  #pingers: readonly Pinger[] = []
  #listener: (sample: PingSample) => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #fetching = false

  constructor(topology: Topology) {
    this.#topology = topology
    this.services = topology.dcs.map(({ name: dc }) =>
      processService({
        name: `pinger ${dc}`,
        dc,
        // It stands before the stores do, and is no part of them.
        role: 'link',
        ports: [ECHO_PORT, CONTROL_PORT],
        reaches: [],
        script: PROCESS,
        config: ({ ports }): PingProcessConfig => ({ echo: ports[ECHO_PORT], control: ports[CONTROL_PORT] }),
      }),
    )
    this.routes = topology.links.map(({ from, to }) => ({ from, to, port: ECHO_PORT, counted: false }))
  }

  async connect(reach: (from: string, to: string, port: string) => Address, endpoints: Endpoints): Promise<void> {
    this.#pingers = await Promise.all(
      this.#topology.dcs.map(async ({ name: dc }): Promise<Pinger> => {
        const client = await ControlClient.open(endpoints[dc][CONTROL_PORT])
        const targets = this.#topology.links
          .filter(({ from }) => from === dc)
          .map(({ from, to }): PingTarget => ({ from, to, address: reach(from, to, ECHO_PORT) }))
        await client.ask('connect', targets)
        return { client, aheadUs: await clockAheadUs(client) }
      }),
    )
  }

  ping(periodMs: number | null): void {
    for (const { client } of this.#pingers) client.ask('ping', periodMs).catch(() => undefined)
    if (periodMs === null) clearInterval(this.#timer)
    else this.#timer ??= setInterval(() => void this.#fetch(), FETCH_EVERY_MS)
    if (periodMs === null) this.#timer = undefined
  }

  onSample(listener: (sample: PingSample) => void): void {
    this.#listener = listener
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    for (const { client } of this.#pingers) client.close()
  }

  /** A pinger that does not answer has ended, and whoever runs it says so. */
  async #fetch(): Promise<void> {
    if (this.#fetching) return
    this.#fetching = true
    await Promise.allSettled(
      this.#pingers.map(async ({ client, aheadUs }) => {
        for (const sample of await client.ask<PingSample[]>('take'))
          this.#listener({ ...sample, atUs: sample.atUs - aheadUs })
      }),
    )
    this.#fetching = false
  }
}

/**
 * How far a pinger's clock is ahead of ours, µs. Containers of this kernel share its clock, and it is 0; those of an engine in a
 * virtual machine have that machine's, and then half of the quickest answer is the error.
 */
async function clockAheadUs(client: ControlClient): Promise<number> {
  let best = { tookUs: Number.POSITIVE_INFINITY, aheadUs: 0 }
  for (let i = 0; i < CLOCK_READINGS; i++) {
    const askedUs = nowUs()
    const thereUs = await client.ask<number>('now')
    const tookUs = nowUs() - askedUs
    if (tookUs < best.tookUs) best = { tookUs, aheadUs: thereUs - askedUs - tookUs / 2 }
  }
  return Math.abs(best.aheadUs) <= best.tookUs / 2 ? 0 : best.aheadUs
}
