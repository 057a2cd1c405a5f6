// The local deployment: every service is a process on this machine, with its folder under the run's data folder and its
// ports on loopback. Services reach other DCs only through the route that the links give.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address, Endpoints } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Place, PortName, Service } from '../contract/service.ts'
import { createDataFolder } from './data-folder.ts'
import { stageOf, startTogether, stopLinksLast, type Deployment, type Route, type Stage } from './deployment.ts'
import { Guardian } from './guardian.ts'
import { PortAllocator, type PortRange } from './ports.ts'
import { editServiceFile } from './service-files.ts'
import { unprivilegedUser } from './service-user.ts'
import { SupervisedService, type Supervision } from './supervised-service.ts'
import type { MeasuredUsage } from './usage-meter.ts'

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
export class LocalDeployment implements Deployment {
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
      const place: Place = {
        kind: 'process',
        folder,
        ports,
        reach: (dc, port) => this.#reach(service, dc, port),
        source: (module) => fileURLToPath(module),
      }
      const supervised = new SupervisedService(service, place, this.#supervision(service))
      this.#services.set(service.name, supervised)
    }
  }

  route(route: Route): void {
    this.#route = route
  }

  endpoints(): Endpoints {
    return structuredClone(this.#endpoints)
  }

  seenByClients(dc: string): Endpoints {
    const seen: Record<string, Record<string, Address>> = {}
    for (const { service } of this.#services.values()) {
      if (service.role === 'link') continue
      const ports = (seen[service.dc] ??= {})
      for (const port of service.ports) {
        ports[port] = service.dc === dc ? this.#endpoints[dc][port] : this.#at(this.#route(dc, service.dc, port))
      }
    }
    return seen
  }

  /** A process is reached by its clients as by other processes. */
  seenByServices(dc: string): Endpoints {
    return this.seenByClients(dc)
  }

  reachedInside(_dc: string, name: PortName): Address {
    return this.#at(name)
  }

  async start(stage: Stage, signal: AbortSignal, progress: (sentence: string) => void): Promise<void> {
    const group = [...this.#services.values()].filter(({ service }) => stageOf(service) === stage)
    await startTogether(group, signal, progress)
  }

  kill(service: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#named(service).kill(signal)
  }

  shutDown(service: string): Promise<void> {
    return this.#named(service).stop()
  }

  async pause(service: string): Promise<void> {
    this.#named(service).pause()
  }

  async resume(service: string): Promise<void> {
    this.#named(service).resume()
  }

  restart(service: string, signal: AbortSignal): Promise<void> {
    return this.#named(service).restart(signal)
  }

  async edit(service: string, path: string, change: (text: string) => string): Promise<void> {
    editServiceFile(this.#named(service).place.folder, path, change)
  }

  /** Some 60 µs a process. */
  async usage(): Promise<readonly MeasuredUsage[]> {
    return [...this.#services.values()].map((supervised) => supervised.usage())
  }

  stop(limitMs?: number): Promise<void> {
    this.#stopping ??= this.#stop(limitMs)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(limitMs?: number): Promise<void> {
    await stopLinksLast(this.#services.values(), (supervised) => supervised.stop(limitMs))
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
    return this.#at(service.role !== 'link' && service.dc !== dc ? this.#route(service.dc, dc, port) : { dc, port })
  }

  #at({ dc, port }: PortName): Address {
    const address = this.#endpoints[dc]?.[port]
    if (address === undefined) throw new BenchError('BUG', `${dc} has no port named ${port}.`)
    return address
  }

  #named(name: string): SupervisedService {
    const supervised = this.#services.get(name)
    if (supervised === undefined) throw new BenchError('BUG', `No service is named ${name}.`)
    return supervised
  }
}
