// What faults do to a run's house: bench/deploy signals the services, the links' controls change the links.
import type { DeployPlan } from '../contract/driver.ts'
import type { Scenario } from '../contract/scenario.ts'
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import type { Deployment } from '../deploy/deployment.ts'
import type { FaultGround, FoundFault } from '../faults/fault-kind.ts'
import { BenchError } from '../contract/errors.ts'
import { findTargets } from '../faults/find-targets.ts'
import { systemName, type System } from '../systems.ts'
import { relayBetween } from '../wan/links.ts'
import type { LinkControl } from '../wan/wan.ts'

/** The scenario's faults with what they hit of a system. Throws USAGE where they hit nothing. */
export function faultsFor(
  scenario: Pick<Scenario, 'faults' | 'deployment'>,
  system: System,
  plan: DeployPlan,
  topology: Topology,
): readonly FoundFault[] {
  if (scenario.faults.length === 0) return []
  const services = system.entry.driver.services(plan)
  const found = findTargets(scenario.faults, {
    system: systemName(system),
    topology,
    services,
    relayBetween: (a, b) => relayBetween(topology, a, b),
  })
  if (scenario.deployment === 'external') for (const fault of found) refuseWhatIsNotOurs(fault, services)
  return found
}

/** Servers of the user's, and the links between them, are not ours to break. Throws USAGE. */
function refuseWhatIsNotOurs({ plan, services }: FoundFault, all: readonly Service[]): void {
  const ours = all.filter(({ role }) => role === 'replication').map(({ name }) => name)
  if (services.length > 0 && services.every((name) => ours.includes(name))) return
  const what = plan.target.type === 'dc' || plan.target.type === 'service' ? 'a server' : 'a link between servers'
  const instead = ours.length === 0 ? '' : `, or break ${ours[0].split(' ')[0]}, which runs beside the harness`
  throw new BenchError(
    'USAGE',
    `--fault '${plan.name}' hits ${what} of yours, which is not ours to break: leave it out with --deployment=external${instead}.`,
  )
}

export function faultGround(deployment: Deployment, links: LinkControl): FaultGround {
  return {
    setLink: (from, to, change) => links.set(from, to, change),
    kill: async (service) => {
      // The last word of a relay's counters, which end with it.
      await links.counters().catch(() => undefined)
      await deployment.kill(service)
    },
    stop: async (service) => {
      await links.counters().catch(() => undefined)
      await deployment.shutDown(service)
    },
    pause: (service) => deployment.pause(service),
    resume: (service) => deployment.resume(service),
    start: async (service, signal) => {
      await deployment.restart(service, signal)
      // A relay that is back is told of its links' states by the first question that it gets.
      await links.counters().catch(() => undefined)
    },
  }
}
