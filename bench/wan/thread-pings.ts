// Pings of the local deployment: from a thread of the harness through every link and back, since all DCs are this machine.
import { Worker } from 'node:worker_threads'
import type { Address } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import type { PingSample, PingTarget } from './pinged-link.ts'
import type { PingerReport, PingerRequest } from './pinger-thread.ts'
import { ECHO_PORT, type LinkRoute, type PingSource } from './wan.ts'

export class ThreadPings implements PingSource {
  readonly services: readonly Service[] = []
  readonly routes: readonly LinkRoute[]
  readonly #topology: Topology
  readonly #thread: Worker
  #listener: (sample: PingSample) => void = () => undefined

  private constructor(topology: Topology, thread: Worker, echo: Address) {
    this.#topology = topology
    this.#thread = thread
    this.routes = topology.links.map(({ from, to }) => ({ from, to, port: ECHO_PORT, target: echo, counted: false }))
    thread.on('message', (report: PingerReport) => {
      if (report.type === 'sample') this.#listener(report.sample)
    })
    thread.unref()
  }

  /** Starts the thread and its echo listener; no ping is sent yet. */
  static open(topology: Topology): Promise<ThreadPings> {
    const thread = new Worker(new URL('./pinger-thread.ts', import.meta.url))
    return new Promise((resolve, reject) => {
      thread.once('error', reject)
      thread.once('message', (report: PingerReport) => {
        thread.off('error', reject)
        if (report.type === 'listening') resolve(new ThreadPings(topology, thread, report.echo))
        else reject(new BenchError('BUG', 'The pinger did not say where it listens.'))
      })
    })
  }

  async connect(reach: (from: string, to: string, port: string) => Address): Promise<void> {
    const targets = this.#topology.links.map(({ from, to }): PingTarget => ({
      from,
      to,
      address: reach(from, to, ECHO_PORT),
    }))
    this.#post({ type: 'connect', targets })
  }

  ping(periodMs: number | null): void {
    this.#post({ type: 'ping', periodMs })
  }

  onSample(listener: (sample: PingSample) => void): void {
    this.#listener = listener
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }

  #post(request: PingerRequest): void {
    this.#thread.postMessage(request)
  }
}
