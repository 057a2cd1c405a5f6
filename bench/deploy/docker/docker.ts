// The deployment in containers: every DC a network of its own, joined by the containers of links alone. Every address is known
// before anything starts; the harness reaches all ports on loopback.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Address, Endpoints } from '../../contract/driver.ts'
import { BenchError } from '../../contract/errors.ts'
import type { ContainerFacts } from '../../contract/run-folder.ts'
import type { PortName, Service } from '../../contract/service.ts'
import { createDataFolder } from '../data-folder.ts'
import { stageOf, startTogether, stopLinksLast, type Deployment, type Route, type Stage } from '../deployment.ts'
import { Guardian } from '../guardian.ts'
import { PortAllocator, type PortRange } from '../ports.ts'
import type { ServiceUsage } from '../usage-meter.ts'
import { AddressBook } from './address-book.ts'
import { DcNetwork } from './dc-network.ts'
import { openEngine, type Engine } from './engine.ts'
import { provideImage, type ImageFact, type ImageOverrides } from './images.ts'
import { removeContainerLeftovers } from './leftovers.ts'
import { labelsOf, sessionLabel } from './labels.ts'
import { containerPlan, listens, published, sourceInImage, type Placement } from './placement.ts'
import type { ContainerLimits } from './run-container.ts'
import { ServiceContainer } from './service-container.ts'
import { sweep } from './sweep.ts'

/** Where all cores are wanted, this many times what another container gets, whose share is 1024: as a relay goes first locally. */
const LINK_CPU_SHARES = 8 * 1024

interface DockerOptions {
  /** Unique on the machine; part of every name. */
  readonly runId: string
  /** Where the folder of logs is made; the system's folder for temporary files unless given. */
  readonly base?: string
  readonly portRange?: PortRange
  readonly images: ImageOverrides
  /** Of each store and each replication service. */
  readonly limits: ContainerLimits
  /** Told of images that are pulled. */
  readonly progress: (sentence: string) => void
  /** Called with SERVICE_DIED when a service ends that nobody asked to end. */
  readonly onDeath: (error: BenchError) => void
}

interface Running {
  readonly placement: Placement
  readonly supervised: ServiceContainer
}

/** Places, starts, signals and measures the services of one run. Disposing it removes their containers, networks and volumes. */
export class DockerDeployment implements Deployment {
  /** Of its services' logs. */
  readonly folder: string
  readonly volumes: string
  readonly #options: DockerOptions
  readonly #engine: Engine
  readonly #guardian: Guardian
  readonly #ports: PortAllocator
  readonly #labels: Record<string, string>
  readonly #networks = new Map<string, DcNetwork>()
  readonly #images = new Map<string, ImageFact>()
  readonly #services = new Map<string, Running>()
  readonly #addresses = new AddressBook()
  #stopping: Promise<void> | undefined

  private constructor(engine: Engine, options: DockerOptions) {
    this.#engine = engine
    this.#options = options
    this.volumes = engine.rootFolder
    this.folder = createDataFolder(options.runId, options.base)
    this.#labels = labelsOf(options.runId)
    this.#guardian = new Guardian(this.folder)
    this.#guardian.sweep(engine.address, options.runId)
    this.#ports = new PortAllocator(options.portRange)
  }

  /** Finds the engine, clears away what killed runs left there, and starts the guardian; throws COMPONENT, DATA_FOLDER. */
  static async open(options: DockerOptions): Promise<DockerDeployment> {
    const engine = await openEngine()
    await removeContainerLeftovers(engine.address)
    return new DockerDeployment(engine, options)
  }

  async place(services: readonly Service[]): Promise<void> {
    for (const service of services) await this.#place(service)
  }

  async #place(service: Service): Promise<void> {
    const { name, dc, ports, container } = service
    if (this.#services.has(name)) throw new BenchError('BUG', `Two services are named ${name}.`)
    if (container === undefined) {
      throw new BenchError('BUG', `The service ${name} says of no image to run in.`)
    }
    const networks = []
    for (const each of [dc, ...(container.joins ?? [])]) {
      const network = await this.#network(each)
      networks.push({ dc: each, name: network.name, address: network.take() })
    }
    const placement: Placement = { service, container, networks, outside: await this.#ports.take(ports.length) }
    this.#addresses.add(placement)
    const containerName = `${this.#prefix}-${this.#services.size}-${name.replaceAll(/[^a-zA-Z0-9]+/g, '-')}`
    const logFolder = join(this.folder, containerName)
    mkdirSync(logFolder, { mode: 0o700 })
    const place = {
      kind: 'container' as const,
      folder: container.folder,
      ports: listens(placement),
      reach: (to: string, port: string) => this.#addresses.reach(service, to, port),
      source: sourceInImage,
    }
    const supervised = new ServiceContainer(service, place, {
      engine: this.#engine,
      logFolder,
      published: published(placement),
      plan: () =>
        containerPlan(placement, place, {
          name: containerName,
          image: this.#images.get(container.image)?.reference ?? '',
          labels: this.#labels,
          // A link that has no time to run would be another link.
          limits: service.role === 'link' ? { cpuShares: LINK_CPU_SHARES } : this.#options.limits,
        }),
      onDeath: this.#options.onDeath,
    })
    this.#services.set(name, { placement, supervised })
  }

  route(route: Route): void {
    this.#addresses.route = route
  }

  endpoints(): Endpoints {
    return this.#addresses.endpoints()
  }

  seenByClients(dc: string): Endpoints {
    return this.#addresses.seenByClients(dc)
  }

  seenByServices(dc: string): Endpoints {
    return this.#addresses.seenByServices(dc)
  }

  reachedInside(dc: string, name: PortName): Address {
    return this.#addresses.reachedInside(dc, name)
  }

  async start(stage: Stage, signal: AbortSignal, progress: (sentence: string) => void): Promise<void> {
    const group = [...this.#services.values()].filter(({ placement }) => stageOf(placement.service) === stage)
    await this.#provideImages(group, signal)
    await startTogether(
      group.map(({ supervised }) => supervised),
      signal,
      progress,
    )
  }

  kill(service: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#named(service).kill(signal)
  }

  shutDown(service: string): Promise<void> {
    return this.#named(service).stop()
  }

  pause(service: string): Promise<void> {
    return this.#named(service).pause()
  }

  resume(service: string): Promise<void> {
    return this.#named(service).resume()
  }

  restart(service: string, signal: AbortSignal): Promise<void> {
    return this.#named(service).restart(signal)
  }

  edit(service: string, path: string, change: (text: string) => string): Promise<void> {
    return this.#named(service).edit(path, change)
  }

  /** Some 60 µs a process where this machine shows them, else some 10 ms. */
  usage(): Promise<readonly ServiceUsage[]> {
    return Promise.all([...this.#services.values()].map(({ supervised }) => supervised.usage()))
  }

  containerFacts(): ContainerFacts {
    const { cpus = null, memoryBytes = null } = this.#options.limits
    return { engine: this.#engine.version, images: [...this.#images.values()], cpus, memoryBytes }
  }

  stop(limitMs?: number): Promise<void> {
    this.#stopping ??= this.#stop(limitMs)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(limitMs?: number): Promise<void> {
    const supervised = [...this.#services.values()].map((running) => running.supervised)
    // What does not end by a signal is removed with the rest.
    await stopLinksLast(supervised, (one) => one.stop(limitMs).catch(() => undefined))
    await sweep(this.#engine.address, sessionLabel(this.#options.runId)).catch(() => undefined)
    await this.#guardian[Symbol.asyncDispose]()
    await this.#ports[Symbol.asyncDispose]()
  }

  get #prefix(): string {
    return `geowrite-${this.#options.runId}`
  }

  async #network(dc: string): Promise<DcNetwork> {
    const known = this.#networks.get(dc)
    if (known !== undefined) return known
    const network = await DcNetwork.create(this.#engine, `${this.#prefix}-${dc}`, this.#labels)
    this.#networks.set(dc, network)
    return network
  }

  async #provideImages(group: readonly Running[], signal: AbortSignal): Promise<void> {
    for (const { placement } of group) {
      const { image } = placement.container
      if (this.#images.has(image)) continue
      const { images, progress } = this.#options
      this.#images.set(image, await provideImage(this.#engine, image, images, progress, signal))
    }
  }

  #named(name: string): ServiceContainer {
    const running = this.#services.get(name)
    if (running === undefined) throw new BenchError('BUG', `No service is named ${name}.`)
    return running.supervised
  }
}
