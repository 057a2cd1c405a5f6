// What `doctor` finds of the container engine: whether one answers, and what killed runs have left there.
import { BenchError } from '../contract/errors.ts'
import type { Engine } from '../deploy/docker/engine.ts'

export interface ContainersFound {
  /** Why there can be no containers; undefined where there can. */
  readonly missing: string | undefined
  readonly text: string
  /** Runs by their ids. */
  readonly leftovers: readonly string[]
  readonly removed: readonly string[]
}

export async function containersFound(clean: boolean): Promise<ContainersFound> {
  // What it stands on takes a second to load.
  const { openEngine } = await import('../deploy/docker/engine.ts')
  let engine: Engine
  try {
    engine = await openEngine()
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    return { missing: error.message, text: error.message, leftovers: [], removed: [] }
  }
  const { containerLeftovers, removeContainerLeftovers } = await import('../deploy/docker/leftovers.ts')
  const removed = clean ? await removeContainerLeftovers(engine.address) : []
  const leftovers = await containerLeftovers(engine.address)
  return { missing: undefined, text: `ready (engine ${engine.version})`, leftovers, removed }
}
