// The one place that knows which deployment and which WAN a scenario asks for.
import { BenchError } from '../contract/errors.ts'
import type { DeployPlan } from '../contract/driver.ts'
import type { Scenario } from '../contract/scenario.ts'
import type { Place, Service } from '../contract/service.ts'
import { removeLeftovers } from '../deploy/data-folder.ts'
import type { Deployment } from '../deploy/deployment.ts'
import { ExternalDeployment } from '../deploy/external.ts'
import { LocalDeployment } from '../deploy/local.ts'
import { externalWan } from '../wan/external-wan.ts'
import { relayWan } from '../wan/relay-wan.ts'
import type { Wan } from '../wan/wan.ts'

interface RunOf {
  /** Unique on the machine. */
  readonly runId: string
  /** Called with SERVICE_DIED when a service ends that nobody asked to end. */
  readonly onDeath: (error: BenchError) => void
  /** Told what takes long before anything is started. */
  readonly progress: (sentence: string) => void
}

/** Where the services of a driver run that are ours to start. */
export function placeKindOf({ deployment }: Pick<Scenario, 'deployment'>): Place['kind'] {
  return deployment === 'docker' ? 'container' : 'process'
}

/** Throws SCENARIO for a service that says of no image, where all are to be containers. */
export function refuseUncontained(scenario: Pick<Scenario, 'deployment'>, services: readonly Service[]): void {
  if (placeKindOf(scenario) === 'process') return
  for (const { name, container } of services) {
    if (container !== undefined) continue
    throw new BenchError(
      'SCENARIO',
      `The service ${name} says of no image to run in, so that it cannot be a container: run it with --deployment=local.`,
    )
  }
}

/** Makes the deployment of a run, after clearing away what an earlier one that was killed left. Throws DATA_FOLDER, COMPONENT. */
export async function deploymentOf(
  scenario: Pick<Scenario, 'deployment' | 'data' | 'ports' | 'containers'>,
  { external }: Pick<DeployPlan, 'external'>,
  { runId, onDeath, progress }: RunOf,
): Promise<{ readonly deployment: Deployment; readonly wan: Wan }> {
  removeLeftovers(scenario.data)
  const options = {
    runId,
    ...(scenario.data === undefined ? {} : { base: scenario.data }),
    portRange: scenario.ports,
    onDeath,
  }
  if (scenario.deployment === 'docker') {
    // What it stands on takes a second to load, which other deployments need not wait for.
    const { DockerDeployment, toxiproxyWan } = await import('./docker-parts.ts')
    const { images, cpus, memoryBytes } = scenario.containers
    const limits = { ...(cpus === undefined ? {} : { cpus }), ...(memoryBytes === undefined ? {} : { memoryBytes }) }
    return { deployment: await DockerDeployment.open({ ...options, images, limits, progress }), wan: toxiproxyWan }
  }
  const deployment = new LocalDeployment(options)
  if (external !== undefined) {
    return { deployment: new ExternalDeployment(external, deployment), wan: externalWan(external.ports) }
  }
  return { deployment, wan: relayWan }
}
