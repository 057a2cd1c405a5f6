// Options that belong to one kind of deployment: given with another they would do nothing, which is told and not passed over.
import { BenchError } from '../contract/errors.ts'
import type { Scenario } from '../contract/scenario.ts'

/** Links that are ours alone have these. */
const OF_LINKS = ['delay', 'jitter', 'bandwidth', 'link'] as const
/** Servers that are not ours alone have these. */
const OF_SERVERS = ['endpoints', 'replace-existing', 'keep-tables'] as const

/** Containers alone have these. */
const OF_CONTAINERS = ['image', 'container-cpus', 'container-memory'] as const

/** Throws USAGE for the first option that the deployment has no use for. */
export function refuseMisplaced(raw: Readonly<Record<string, unknown>>, deployment: Scenario['deployment']): void {
  const given = (names: readonly string[]) => names.find((name) => raw[name] !== undefined)
  const ofContainers = deployment === 'docker' ? undefined : given(OF_CONTAINERS)
  if (ofContainers !== undefined) {
    throw new BenchError(
      'USAGE',
      `--${ofContainers} is for containers, and --deployment=${deployment} has none: leave it out, or give --deployment=docker.`,
    )
  }
  if (deployment === 'external') {
    const name = given(OF_LINKS)
    if (name === undefined) return
    throw new BenchError(
      'USAGE',
      `--${name} sets links of our own, and between servers of yours there are none: leave it out with --deployment=external.`,
    )
  }
  const name = given(OF_SERVERS)
  if (name === undefined) return
  throw new BenchError(
    'USAGE',
    `--${name} is for servers that are there already, and --deployment=${deployment} starts its own: leave it out, or give --deployment=external.`,
  )
}
