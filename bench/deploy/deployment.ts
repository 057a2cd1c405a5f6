// What a deployment is to everybody else: it alone places, starts, signals and measures services, wherever they run.
import type { Address, Endpoints } from '../contract/driver.ts'
import type { ContainerFacts } from '../contract/run-folder.ts'
import type { PortName, Service } from '../contract/service.ts'
import type { ServiceUsage } from './usage-meter.ts'

/** Which port of a link service leads from one DC to a port of another. */
export type Route = (from: string, to: string, port: string) => PortName

/** The links start first, whatever stage they name: nothing may reach another DC before they stand. */
export type Stage = 'links' | Service['stage']

export function stageOf({ role, stage }: Pick<Service, 'role' | 'stage'>): Stage {
  return role === 'link' ? 'links' : stage
}

/** Something that can be started and has a name. */
interface Startable {
  readonly service: Pick<Service, 'name'>
  start(signal: AbortSignal): Promise<void>
}

/** Starts all of them at once; when one fails the others are given up and its error is thrown. */
export async function startTogether(
  group: readonly Startable[],
  signal: AbortSignal,
  progress: (sentence: string) => void,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const results = await Promise.allSettled(
    group.map(async (startable) => {
      try {
        await startable.start(either)
        progress(`${startable.service.name} is ready`)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    }),
  )
  signal.throwIfAborted()
  if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason
}

/** Stops all of them; the links last: what the others still have to say to one another goes through them. */
export async function stopLinksLast<S extends { readonly service: Pick<Service, 'role'> }>(
  all: Iterable<S>,
  stop: (one: S) => Promise<void>,
): Promise<void> {
  const services = [...all]
  for (const isLink of [false, true]) {
    await Promise.all(services.filter(({ service }) => (service.role === 'link') === isLink).map(stop))
  }
}

/** The services of one run. Disposing it ends them all and removes what they left. */
export interface Deployment extends AsyncDisposable {
  /** The run's data folder on this machine. */
  readonly folder: string
  /** Where services that are containers keep their data, as their engine calls it; absent where they keep them in `folder`. */
  readonly volumes?: string
  /** Gives services their folders and ports; may be called again with more. Throws PORTS. */
  place(services: readonly Service[]): Promise<void>
  /** Says which way services and clients reach ports of other DCs; needed before those that do are started. */
  route(route: Route): void
  /** Every port of every DC, as the harness reaches it directly. */
  endpoints(): Endpoints
  /** The ports of all stores and replication services as clients in `dc` reach them: its own directly, others by the route. */
  seenByClients(dc: string): Endpoints
  /** The same as services in `dc` reach them. */
  seenByServices(dc: string): Endpoints
  /** A port of a DC as services in `dc` reach it, those of links included. */
  reachedInside(dc: string, name: PortName): Address
  /**
   * Starts all services of a stage at once. `progress` gets a sentence for each that is ready. When one fails the rest of the
   * stage is given up and its SERVICE_START thrown; `stop` ends what runs.
   */
  start(stage: Stage, signal: AbortSignal, progress: (sentence: string) => void): Promise<void>
  /** Ends a service from outside and resolves when it has ended; SIGKILL ends all its processes at once, as a crash does. */
  kill(service: string, signal?: NodeJS.Signals): Promise<void>
  /** Asks a service to end and resolves when it has ended; SIGKILL follows when it takes longer than it said. */
  shutDown(service: string): Promise<void>
  /** Stops all processes of a service where they are. */
  pause(service: string): Promise<void>
  resume(service: string): Promise<void>
  /** Starts a service again on its old folder and ports, without setting it up. */
  restart(service: string, signal: AbortSignal): Promise<void>
  /** Changes a text file of a service, by the path that the service gave it. */
  edit(service: string, path: string, change: (text: string) => string): Promise<void>
  /** What every service has used so far. */
  usage(): Promise<readonly ServiceUsage[]>
  /** What they were, where they are containers. */
  containerFacts?(): ContainerFacts
  /** Ends all services, each within its own time or `limitMs` if that is shorter, and removes the data folder. */
  stop(limitMs?: number): Promise<void>
}
