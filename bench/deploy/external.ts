// The external deployment: stores are servers of the user's, which it never starts, signals or measures; replication services of
// ours run as processes beside the harness.
import type { Address, Endpoints } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { External } from '../contract/external.ts'
import type { Place, PortName, Service } from '../contract/service.ts'
import type { Deployment, Route, Stage } from './deployment.ts'
import { LocalDeployment } from './local.ts'
import type { ServiceUsage } from './usage-meter.ts'

type Servers = Pick<External, 'ports' | 'peerPorts'>

/** Adds the servers of `others` to each DC's own ports. */
function joined(own: Endpoints, others: Endpoints): Endpoints {
  const dcs = new Set([...Object.keys(own), ...Object.keys(others)])
  return Object.fromEntries([...dcs].map((dc) => [dc, { ...own[dc], ...others[dc] }]))
}

/** Disposing it ends the processes beside the harness; the servers are left as they are. */
export class ExternalDeployment implements Deployment {
  readonly #servers: Servers
  readonly #beside: LocalDeployment
  readonly #stores: Service[] = []

  constructor(servers: Servers, beside: LocalDeployment) {
    this.#servers = servers
    this.#beside = beside
    // What runs beside the harness reaches every DC as the harness does: there is no link of ours.
    beside.route((_from, to, port) => ({ dc: to, port }))
  }

  /** Of the processes beside the harness. */
  get folder(): string {
    return this.#beside.folder
  }

  async place(services: readonly Service[]): Promise<void> {
    for (const service of services) {
      if (service.role !== 'store') continue
      for (const port of service.ports) this.#server({ dc: service.dc, port })
      this.#stores.push(service)
    }
    await this.#beside.place(
      services.filter(({ role }) => role !== 'store').map((service) => this.#besideServers(service)),
    )
  }

  /** The same service, to which the ports of servers are where the harness reaches them. */
  #besideServers(service: Service): Service {
    const seen = (place: Place): Place => ({
      ...place,
      reach: (dc, port) => this.#servers.ports[dc]?.[port] ?? place.reach(dc, port),
    })
    return {
      ...service,
      files: (place) => service.files(seen(place)),
      setup: (place) => service.setup(seen(place)),
      command: (place) => service.command(seen(place)),
    }
  }

  #server({ dc, port }: PortName): Address {
    const address = this.#servers.ports[dc]?.[port]
    if (address === undefined) throw new BenchError('BUG', `Nothing says where the port ${port} of ${dc} is.`)
    return address
  }

  /** No service of ours stands between the DCs. */
  route(_route: Route): void {}

  endpoints(): Endpoints {
    return joined(this.#beside.endpoints(), this.#servers.ports)
  }

  /** Clients run where the harness does, whatever DC they stand for. */
  seenByClients(_dc: string): Endpoints {
    return this.endpoints()
  }

  seenByServices(dc: string): Endpoints {
    const { ports, peerPorts } = this.#servers
    const own = { [dc]: ports[dc] ?? {} }
    return joined(this.#beside.endpoints(), { ...peerPorts, ...own })
  }

  reachedInside(_dc: string, name: PortName): Address {
    return this.#servers.ports[name.dc]?.[name.port] ?? this.#beside.reachedInside(_dc, name)
  }

  start(stage: Stage, signal: AbortSignal, progress: (sentence: string) => void): Promise<void> {
    return this.#beside.start(stage, signal, progress)
  }

  kill(service: string, signal?: NodeJS.Signals): Promise<void> {
    return this.#own(service).kill(service, signal)
  }

  shutDown(service: string): Promise<void> {
    return this.#own(service).shutDown(service)
  }

  pause(service: string): Promise<void> {
    return this.#own(service).pause(service)
  }

  resume(service: string): Promise<void> {
    return this.#own(service).resume(service)
  }

  restart(service: string, signal: AbortSignal): Promise<void> {
    return this.#own(service).restart(service, signal)
  }

  edit(service: string, path: string, change: (text: string) => string): Promise<void> {
    return this.#own(service).edit(service, path, change)
  }

  #own(service: string): LocalDeployment {
    if (!this.#stores.some(({ name }) => name === service)) return this.#beside
    throw new BenchError('BUG', `${service} is a server of the user's, which is not ours to touch.`)
  }

  /** What servers use is not known. */
  async usage(): Promise<readonly ServiceUsage[]> {
    const unknown = this.#stores.map(({ name, dc, role }): ServiceUsage => ({
      service: name,
      dc,
      role,
      cpuSeconds: null,
      residentBytes: null,
      residentMaxBytes: null,
      storageWriteBytes: null,
      storageReadBytes: null,
    }))
    return [...unknown, ...(await this.#beside.usage())]
  }

  stop(limitMs?: number): Promise<void> {
    return this.#beside.stop(limitMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
