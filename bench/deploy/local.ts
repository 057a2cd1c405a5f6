// The local deployment: every service is a process on this machine, with its folder under the run's data folder and its
// ports on loopback. Services reach other DCs only through the route that the links give.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Address, Endpoints } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Service } from '../contract/service.ts'
import { createDataFolder } from './data-folder.ts'
import { Guardian } from './guardian.ts'
import { PortAllocator, type PortRange } from './ports.ts'
import { unprivilegedUser } from './service-user.ts'
import { SupervisedService, type Supervision } from './supervised-service.ts'
import type { ServiceUsage } from './usage-meter.ts'

/** How something in one DC reaches a port of another. */
type Route = (from: string, to: string, port: string) => Address

interface LocalOptions {
  /** Unique on the machine; part of the data folder's name. */
  readonly runId: string
  /** Where the data folder is made; the system's folder for temporary files unless given. */
  readonly base?: string
  readonly portRange?: PortRange
  /** Called with SERVICE_DIED when a service ends that nobody asked to end. */
  readonly onDeath: (error: BenchError) => void
}

/** Places, starts, signals and measures the services of one run. Disposing it ends them all and removes the data folder. */
export class LocalDeployment implements AsyncDisposable {
  /** The run's data folder. */
  readonly folder: string
  readonly #options: LocalOptions
  readonly #ports: PortAllocator
  readonly #guardian: Guardian
  readonly #programs = new Map<string, string>()
  readonly #services = new Map<string, SupervisedService>()
  readonly #endpoints: Record<string, Record<string, Address>> = {}
  #route: Route = (from, to) => {
    throw new BenchError('BUG', `No route from ${from} to ${to} was given.`)
  }
  #stopping: Promise<void> | undefined

  /** Makes the data folder and starts the guardian; throws DATA_FOLDER. */
  constructor(options: LocalOptions) {
    this.#options = options
    this.folder = createDataFolder(options.runId, options.base)
    this.#guardian = new Guardian(this.folder)
    this.#ports = new PortAllocator(options.portRange)
  }

  /** Gives services their folders and ports; may be called again with more. Throws PORTS. */
  async place(services: readonly Service[]): Promise<void> {
    for (const service of services) {
      if (this.#services.has(service.name)) throw new BenchError('BUG', `Two services are named ${service.name}.`)
      const addresses = await this.#ports.take(service.ports.length)
      const ports = Object.fromEntries(service.ports.map((port, i) => [port, addresses[i]]))
      const dcPorts = (this.#endpoints[service.dc] ??= {})
      for (const port of service.ports) {
        if (port in dcPorts) throw new BenchError('BUG', `Two services of ${service.dc} have a port named ${port}.`)
      }
      Object.assign(dcPorts, ports)
      const folder = join(this.folder, `${this.#services.size}-${service.name.replaceAll(/[^a-zA-Z0-9]+/g, '-')}`)
      mkdirSync(folder, { mode: 0o700 })
      const reach = (dc: string, port: string) => this.#reach(service, dc, port)
      const supervised = new SupervisedService(service, { folder, ports, reach }, this.#supervision(service))
      this.#services.set(service.name, supervised)
    }
  }

  /** Says how services reach ports of other DCs; needed before services that do are started. */
  route(route: Route): void {
    this.#route = route
  }

  /** Every port of every DC, reached directly. */
  endpoints(): Endpoints {
    return structuredClone(this.#endpoints)
  }

  /** The ports of all stores and replication services as clients in `dc` reach them: its own directly, others by the route. */
  seenFrom(dc: string): Endpoints {
    const seen: Record<string, Record<string, Address>> = {}
    for (const { service } of this.#services.values()) {
      if (service.role === 'link') continue
      const ports = (seen[service.dc] ??= {})
      for (const port of service.ports) {
        ports[port] = service.dc === dc ? this.#endpoints[dc][port] : this.#route(dc, service.dc, port)
      }
    }
    return seen
  }

  /**
   * Starts all services of a stage: first the links, then the others at once. `progress` gets a sentence for each that
   * is ready. When one fails the rest of the stage is given up and its SERVICE_START thrown; `stop` ends what runs.
   */
  async start(stage: Service['stage'], signal: AbortSignal, progress: (sentence: string) => void): Promise<void> {
    const staged = [...this.#services.values()].filter(({ service }) => service.stage === stage)
    const [links, others] = [true, false].map((isLink) =>
      staged.filter(({ service }) => (service.role === 'link') === isLink),
    )
    for (const group of [links, others]) {
      const failed = new AbortController()
      const either = AbortSignal.any([signal, failed.signal])
      const results = await Promise.allSettled(
        group.map(async (supervised) => {
          try {
            await supervised.start(either)
            progress(`${supervised.service.name} is ready`)
          } catch (error) {
            failed.abort(error)
            throw error
          }
        }),
      )
      signal.throwIfAborted()
      if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason
    }
  }

  /** Ends a service from outside and resolves when it has ended; SIGKILL ends all its processes at once, as a crash does. */
  kill(service: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#named(service).kill(signal)
  }

  /** Asks a service to end and resolves when it has ended; SIGKILL follows when it takes longer than it said. */
  shutDown(service: string): Promise<void> {
    return this.#named(service).stop()
  }

  /** Stops all processes of a service where they are. */
  pause(service: string): void {
    this.#named(service).pause()
  }

  resume(service: string): void {
    this.#named(service).resume()
  }

  /** Starts a service again on its old folder and ports, without setting it up. */
  restart(service: string, signal: AbortSignal): Promise<void> {
    return this.#named(service).restart(signal)
  }

  /** What every service has used so far; some 60 µs a process. */
  usage(): readonly ServiceUsage[] {
    return [...this.#services.values()].map((supervised) => supervised.usage())
  }

  /** Ends all services, each within its own time or `limitMs` if that is shorter, then the guardian, and removes the data folder. */
  stop(limitMs?: number): Promise<void> {
    this.#stopping ??= this.#stop(limitMs)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(limitMs?: number): Promise<void> {
    // The links last: what the others still have to say to one another goes through them.
    for (const isLink of [false, true]) {
      const group = [...this.#services.values()].filter(({ service }) => (service.role === 'link') === isLink)
      await Promise.all(group.map((supervised) => supervised.stop(limitMs)))
    }
    await this.#guardian[Symbol.asyncDispose]()
    await this.#ports[Symbol.asyncDispose]()
  }

  #supervision(service: Service): Supervision {
    return {
      guardian: this.#guardian,
      root: this.folder,
      programs: this.#programs,
      user: service.unprivileged ? unprivilegedUser() : undefined,
      onDeath: this.#options.onDeath,
    }
  }

  /** A link's own ends are direct: it is the way between the DCs. */
  #reach(service: Service, dc: string, port: string): Address {
    if (service.role !== 'link' && service.dc !== dc) return this.#route(service.dc, dc, port)
    const address = this.#endpoints[dc]?.[port]
    if (address === undefined)
      throw new BenchError('BUG', `${service.name} asks for port ${port} of ${dc}, which has none.`)
    return address
  }

  #named(name: string): SupervisedService {
    const supervised = this.#services.get(name)
    if (supervised === undefined) throw new BenchError('BUG', `No service is named ${name}.`)
    return supervised
  }
}
