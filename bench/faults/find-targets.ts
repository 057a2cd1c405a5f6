// Finds what faults hit among the links of a topology and the services of a system, and refuses faults that get in each
// other's way.
import { BenchError } from '../contract/errors.ts'
import type { FaultPlan } from '../contract/fault.ts'
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import { suggestion } from '../lib/nearest.ts'
import type { FoundFault } from './fault-kind.ts'
import { KINDS } from './kinds.ts'

/** Where to look: the system's name for errors, its services, and the name of the relay between two DCs. */
export interface FaultTargets {
  readonly system: string
  readonly topology: Topology
  readonly services: readonly Pick<Service, 'name' | 'dc' | 'role'>[]
  relayBetween(a: string, b: string): string
}

/** The short name of a service, which several of a DC may share: `cdc` of `cdc us-east>eu-west`. */
const shortName = (service: string): string => service.split(' ')[0]
/** The whole name, as it can be written in a fault. */
const dashedName = (service: string): string => service.replaceAll(' ', '-')

/** The faults with what they hit. Throws USAGE for a target that does not exist and for faults that clash. */
export function findTargets(plans: readonly FaultPlan[], targets: FaultTargets): FoundFault[] {
  const found = plans.map((plan) => find(plan, targets))
  for (const [i, fault] of found.entries()) {
    const other = found.slice(0, i).find((earlier) => clash(earlier, fault))
    if (other === undefined) continue
    throw new BenchError(
      'USAGE',
      `--fault '${fault.plan.name}' and '${other.plan.name}' change the same thing at one time: let one end before the other begins.`,
    )
  }
  return found
}

/** What a fault changes, as names: links with the side of them that it changes, or services. */
export function touchedBy({ plan, links, services }: FoundFault): readonly string[] {
  const { touches } = KINDS[plan.kind]
  if (touches === 'process') return services.map((service) => `service ${service}`)
  return links.map(({ from, to }) => `${touches} of ${from}>${to}`)
}

function clash(one: FoundFault, other: FoundFault): boolean {
  const [a, b] = [one.plan, other.plan]
  if (a.startMs >= b.startMs + b.lengthMs || b.startMs >= a.startMs + a.lengthMs) return false
  const touched = new Set(touchedBy(one))
  return touchedBy(other).some((name) => touched.has(name))
}

function find(plan: FaultPlan, { system, topology, services, relayBetween }: FaultTargets): FoundFault {
  const { target } = plan
  if (target.type === 'dc' || target.type === 'service') {
    const own = services.filter((service) => service.dc === target.dc && service.role !== 'link')
    const hit =
      target.type === 'dc'
        ? own.filter((service) => service.role === 'store')
        : own.filter(({ name }) => [shortName(name), dashedName(name)].includes(target.service))
    if (hit.length > 0) return { plan, links: [], services: hit.map(({ name }) => name), dcs: [target.dc] }
    throw new BenchError('USAGE', `--fault '${plan.name}': ${nothingHit(target, system, own)}`)
  }
  const [a, b] = target.type === 'pair' ? [target.a, target.b] : [target.from, target.to]
  const relay = KINDS[plan.kind].touches === 'process' ? [relayBetween(a, b)] : []
  const links =
    relay.length > 0
      ? []
      : topology.links.filter(
          ({ from, to }) => (from === a && to === b) || (target.type === 'pair' && from === b && to === a),
        )
  return { plan, links, services: relay, dcs: [a, b] }
}

function nothingHit(
  target: { readonly dc: string; readonly service?: string },
  system: string,
  own: readonly Pick<Service, 'name'>[],
): string {
  const names = [...new Set(own.map(({ name }) => shortName(name)))]
  if (names.length === 0) return `${system} runs no service in ${target.dc}, so that none can be hit there.`
  if (target.service === undefined) return `${system} runs no store in ${target.dc}, so that none can be hit there.`
  return `${system} runs no service ${target.service} in ${target.dc}: ${suggestion(target.service, names)}`
}
