// The one place that knows which deployment and which WAN a scenario asks for.
import type { BenchError } from '../contract/errors.ts'
import type { Scenario } from '../contract/scenario.ts'
import { removeLeftovers } from '../deploy/data-folder.ts'
import type { Deployment } from '../deploy/deployment.ts'
import { LocalDeployment } from '../deploy/local.ts'
import { relayWan } from '../wan/relay-wan.ts'
import type { Wan } from '../wan/wan.ts'

interface RunOf {
  /** Unique on the machine. */
  readonly runId: string
  /** Called with SERVICE_DIED when a service ends that nobody asked to end. */
  readonly onDeath: (error: BenchError) => void
}

/** Makes the deployment of a run, after clearing away what an earlier one that was killed left. Throws DATA_FOLDER. */
export async function deploymentOf(
  scenario: Pick<Scenario, 'deployment' | 'data' | 'ports'>,
  { runId, onDeath }: RunOf,
): Promise<{ readonly deployment: Deployment; readonly wan: Wan }> {
  removeLeftovers(scenario.data)
  const deployment = new LocalDeployment({
    runId,
    ...(scenario.data === undefined ? {} : { base: scenario.data }),
    portRange: scenario.ports,
    onDeath,
  })
  return { deployment, wan: relayWan }
}
