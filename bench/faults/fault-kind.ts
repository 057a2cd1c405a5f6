// What every kind of fault declares, and what it may lay hands on.
import type { FaultKindName, FaultPlan, FaultTarget } from '../contract/fault.ts'
import type { Link } from '../contract/topology.ts'

/** A change of one directed link; what is absent stays as it is. `bandwidthBytesPerSecond` null is unlimited. */
interface LinkChange {
  readonly condition?: 'open' | 'hold' | 'reset'
  readonly delayMs?: number
  readonly bandwidthBytesPerSecond?: number | null
}

/** The deployment and the links, as far as a fault needs them. Every promise resolves when the thing has happened. */
export interface FaultGround {
  setLink(from: string, to: string, change: LinkChange): Promise<void>
  /** Ends all processes of a service at once, as a crash does. */
  kill(service: string): Promise<void>
  /** Asks a service to end, in its own time. */
  stop(service: string): Promise<void>
  pause(service: string): Promise<void>
  resume(service: string): Promise<void>
  /** Starts a service again on its old data and ports; resolves when it is ready. */
  start(service: string, signal: AbortSignal): Promise<void>
}

/** A fault whose target has been found. */
export interface FoundFault {
  readonly plan: FaultPlan
  /** Directed links hit, as the topology has them. */
  readonly links: readonly Link[]
  readonly services: readonly string[]
  readonly dcs: readonly string[]
}

export interface FaultKind {
  readonly name: FaultKindName
  readonly meaning: string
  readonly example: string
  /** Which targets make sense. */
  readonly targets: readonly FaultTarget['type'][]
  /** What it changes of its target: two faults may not change the same at one time. */
  readonly touches: 'condition' | 'speed' | 'process'
  begin(fault: FoundFault, ground: FaultGround): Promise<void>
  /** Makes whole again what `begin` broke. */
  end(fault: FoundFault, ground: FaultGround, signal: AbortSignal): Promise<void>
}

/** Sets all links of a fault to one condition. */
export async function setCondition(
  { links }: FoundFault,
  ground: FaultGround,
  condition: 'open' | 'hold' | 'reset',
): Promise<void> {
  await Promise.all(links.map(({ from, to }) => ground.setLink(from, to, { condition })))
}

/** Starts all services of a fault again, at once. */
export async function startAll({ services }: FoundFault, ground: FaultGround, signal: AbortSignal): Promise<void> {
  await Promise.all(services.map((service) => ground.start(service, signal)))
}
