// One service's container as Testcontainers makes it, with what its builder has no word for: fixed addresses in the networks
// of DCs, ports on loopback alone, an open standard input, and a volume of its own.
import { Readable } from 'node:stream'
import { GenericContainer } from 'testcontainers'
import type { Engine } from './engine.ts'
import { tarOf, type TarEntry } from './tar.ts'

export interface ContainerPlan {
  readonly name: string
  /** The image as the engine knows it. */
  readonly image: string
  readonly labels: Record<string, string>
  /** Its own DC's network first. */
  readonly networks: readonly { readonly name: string; readonly address: string }[]
  readonly ports: readonly { readonly inside: number; readonly outside: number }[]
  readonly user: string
  readonly folder: string
  readonly files: readonly TarEntry[]
  /** The program and its arguments. */
  readonly entrypoint: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly limits: ContainerLimits
}

/** What a container may use at most; absent: all that there is. */
export interface ContainerLimits {
  readonly cpus?: number
  readonly memoryBytes?: number
  /** Its weight where all cores are wanted; an engine gives 1024 to whom nothing is given. */
  readonly cpuShares?: number
}

const LOOPBACK = '127.0.0.1'
/** Engines give 64 MiB, which parallel queries of a database can exhaust; it is memory only once it is used. */
const SHARED_MEMORY_BYTES = 256 * 1024 ** 2

/** Readiness is looked after by others. */
const NO_WAIT = {
  waitUntilReady: () => Promise.resolve(),
  withStartupTimeout: () => NO_WAIT,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
}

export class RunContainer extends GenericContainer {
  readonly #plan: ContainerPlan
  readonly #engine: Engine
  readonly #onCreated: (id: string) => Promise<void>

  /** `onCreated` is called before anything runs in it. */
  constructor(engine: Engine, plan: ContainerPlan, onCreated: (id: string) => Promise<void>) {
    super(plan.image)
    this.#engine = engine
    this.#plan = plan
    this.#onCreated = onCreated
    // Its reaper would be one container more, of an image of its own; the guardian does the same.
    this.withAutoCleanup(false)
      .withName(plan.name)
      .withLabels(plan.labels)
      .withUser(plan.user)
      .withWorkingDir(plan.folder)
      .withEntrypoint([...plan.entrypoint])
      .withEnvironment(plan.env)
      .withNetworkMode(plan.networks[0].name)
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withSharedMemorySize(SHARED_MEMORY_BYTES)
      .withCopyArchivesToContainer([{ tar: Readable.from(tarOf(plan.files)), target: '/' }])
      .withWaitStrategy(NO_WAIT)
  }

  protected override async beforeContainerCreated(): Promise<void> {
    const { networks, ports, folder, limits, labels } = this.#plan
    const [own] = networks
    Object.assign(this.createOpts, {
      ExposedPorts: Object.fromEntries(ports.map(({ inside }) => [`${inside}/tcp`, {}])),
      // Its end at the harness closes with the harness: services that watch their parent end by that.
      OpenStdin: true,
      StdinOnce: true,
      NetworkingConfig: { EndpointsConfig: { [own.name]: { IPAMConfig: { IPv4Address: own.address } } } },
    })
    Object.assign(this.hostConfig, {
      // Signals then do to the program what they do to any process, and not what they do to the first of a system.
      Init: true,
      PortBindings: Object.fromEntries(
        ports.map(({ inside, outside }) => [`${inside}/tcp`, [{ HostIp: LOOPBACK, HostPort: String(outside) }]]),
      ),
      // The engine's disk, and not the layers of an image.
      Mounts: [{ Type: 'volume', Target: folder, VolumeOptions: { NoCopy: true, Labels: labels } }],
      // What it prints is kept by the harness.
      LogConfig: { Type: 'none', Config: {} },
      ...(limits.cpus === undefined ? {} : { NanoCpus: Math.round(limits.cpus * 1e9) }),
      ...(limits.cpuShares === undefined ? {} : { CpuShares: limits.cpuShares }),
      // As much again of swap would make the limit a slow one.
      ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
    })
  }

  protected override async containerCreated(id: string): Promise<void> {
    const [, ...others] = this.#plan.networks
    // Older engines take one network when a container is made.
    for (const { name, address } of others) {
      const EndpointConfig = { IPAMConfig: { IPv4Address: address } }
      await this.#engine.docker.getNetwork(name).connect({ Container: id, EndpointConfig })
    }
    await this.#onCreated(id)
  }
}
