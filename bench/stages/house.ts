// Where a run lives: the deployed services, the links between their DCs, and the pings that prove the links.
import { randomBytes } from 'node:crypto'
import type { DeployPlan, Driver, Endpoints, Joining } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import { RTT_COLUMNS, type ContainerFacts, type LinkVerification, type RunFacts } from '../contract/run-folder.ts'
import type { Scenario } from '../contract/scenario.ts'
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import type { Deployment } from '../deploy/deployment.ts'
import type { ServiceUsage } from '../deploy/usage-meter.ts'
import type { FaultGround } from '../faults/fault-kind.ts'
import { delay } from '../lib/clock.ts'
import { atSeconds, CsvLog } from '../measure/csv-log.ts'
import { linkEntry, routesOf } from '../wan/links.ts'
import { Pinger } from '../wan/pinger.ts'
import type { LinkControl } from '../wan/wan.ts'
import { deploymentOf } from './deployments.ts'
import { faultGround } from './fault-ground.ts'
import { groundOf, groundServices } from './ground.ts'
import type { Journal } from './journal.ts'

const PING_PERIOD_MS = 200
const VERIFY_ATTEMPTS = 5
const VERIFY_PAUSE_MS = 1000
const STOP_LIMIT_MS = 5000
/** Ctrl-C has to be done in 5 s. */
const INTERRUPTED_STOP_LIMIT_MS = 1500

export class House implements AsyncDisposable, Joining {
  readonly ground: RunFacts['ground']
  readonly verified: readonly LinkVerification[]
  readonly topology: Topology
  /** Whether the stores' data are on this machine. */
  readonly storesAreHere: boolean
  readonly links: LinkControl
  /** Aborted with SERVICE_DIED when a service ends that nobody asked to end. */
  readonly died: AbortSignal
  readonly #services: readonly Service[]
  readonly #deployment: Deployment
  readonly #pinger: Pinger
  readonly #cleanup: AsyncDisposableStack

  private constructor(
    parts: Pick<House, 'ground' | 'verified' | 'topology' | 'storesAreHere' | 'links' | 'died'>,
    services: readonly Service[],
    deployment: Deployment,
    pinger: Pinger,
    cleanup: AsyncDisposableStack,
  ) {
    this.ground = parts.ground
    this.verified = parts.verified
    this.topology = parts.topology
    this.storesAreHere = parts.storesAreHere
    this.links = parts.links
    this.died = parts.died
    this.#services = services
    this.#deployment = deployment
    this.#pinger = pinger
    this.#cleanup = cleanup
  }

  /** Measures the disk, starts the links and the stores, and verifies the links before anything uses them. */
  static async open(
    driver: Driver,
    plan: DeployPlan,
    topology: Topology,
    scenario: Scenario,
    signal: AbortSignal,
    progress: (sentence: string) => void = () => undefined,
  ): Promise<House> {
    await using cleanup = new AsyncDisposableStack()
    const death = new AbortController()
    const { deployment, wan } = await deploymentOf(scenario, plan, {
      runId: randomBytes(6).toString('hex'),
      onDeath: (error) => death.abort(error),
      progress,
    })
    cleanup.defer(() => deployment.stop(signal.aborted ? INTERRUPTED_STOP_LIMIT_MS : STOP_LIMIT_MS))
    const storesAreHere = plan.external === undefined
    const services = driver.services(plan)
    const pings = cleanup.use(await wan.pings(topology))
    await deployment.place([...services, ...pings.services, ...groundServices(deployment, topology)])
    await deployment.place(wan.linkServices(topology, [...routesOf(topology, services), ...pings.routes], plan.seed))
    const entry = (from: string, to: string, port: string) => linkEntry(topology, from, to, port)
    deployment.route(entry)
    await deployment.start('links', signal, () => undefined)
    const ground = await groundOf(deployment, topology, storesAreHere)
    const links = cleanup.use(await wan.control(topology, deployment.endpoints()))
    await deployment.start('deploy', signal, () => undefined)
    await pings.connect(
      (from, to, port) => deployment.reachedInside(from, entry(from, to, port)),
      deployment.endpoints(),
    )
    const pinger = new Pinger(topology, pings)
    const verified = await verifiedLinks(pinger, signal)
    const parts = { ground, verified, topology, storesAreHere, links, died: death.signal }
    return new House(parts, services, deployment, pinger, cleanup.move())
  }

  endpoints(): Endpoints {
    return this.#deployment.endpoints()
  }

  /** As clients in `dc` reach them. */
  seenByClients(dc: string): Endpoints {
    return this.#deployment.seenByClients(dc)
  }

  /** As services in `dc` reach them. */
  seenFrom(dc: string): Endpoints {
    return this.#deployment.seenByServices(dc)
  }

  edit(service: string, path: string, change: (text: string) => string): Promise<void> {
    return this.#deployment.edit(service, path, change)
  }

  /** What faults may lay hands on. */
  faultGround(): FaultGround {
    return faultGround(this.#deployment, this.links)
  }

  /** What the services were, where they are containers. */
  containerFacts(): ContainerFacts | undefined {
    return this.#deployment.containerFacts?.()
  }

  usage(): Promise<readonly ServiceUsage[]> {
    return this.#deployment.usage()
  }

  startReplication(signal: AbortSignal): Promise<void> {
    return this.#deployment.start('replicate', signal, () => undefined)
  }

  /** Ends the replication services of ours, so that nothing holds what they use in the stores. */
  async endReplication(): Promise<void> {
    const own = this.#services.filter(({ role }) => role === 'replication')
    await Promise.all(own.map(({ name }) => this.#deployment.shutDown(name)))
  }

  /** Pings every link from now on, while the load runs. */
  startPings(): void {
    this.#pinger.start(PING_PERIOD_MS)
  }

  /** Stores every ping of the run with the part of the run in which it returned. */
  async writeRoundTrips(path: string, { epoch, phases }: Journal, signal: AbortSignal): Promise<void> {
    await this.#pinger.burst(signal)
    const measure = phases.find((phase) => phase.name === 'measure') ?? { startUs: Infinity, endUs: Infinity }
    const loadedUs = Math.min(...phases.map((phase) => phase.startUs))
    const log = new CsvLog(path, RTT_COLUMNS)
    for (const { atUs, from, to, rttMs } of this.#pinger.drain()) {
      const at = atUs - epoch.monotonicUs
      const part = at < loadedUs ? 'before' : at < measure.startUs ? 'warmup' : at <= measure.endUs ? 'during' : 'after'
      log.row([atSeconds(at), from, to, part, rttMs.toFixed(3)])
    }
    await log.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync()
  }
}

/** Verifies the links, again after a pause when the machine was just too busy with starting things to keep the delay. */
async function verifiedLinks(pinger: Pinger, signal: AbortSignal): Promise<readonly LinkVerification[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pinger.verify(signal)
    } catch (error) {
      if (!(error instanceof BenchError) || error.code !== 'LINK' || attempt === VERIFY_ATTEMPTS) throw error
      await delay(VERIFY_PAUSE_MS, signal)
    }
  }
}
