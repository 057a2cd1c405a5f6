// What runs that were killed with their guardian have left at an engine.
import { abandonedRuns, RUN_LABEL, sessionLabel } from './labels.ts'
import { labelled, sweep, type EngineAddress } from './sweep.ts'

/** The runs whose harness is gone, by their ids. */
export async function containerLeftovers(engine: EngineAddress): Promise<readonly string[]> {
  const { containers, networks, volumes } = await labelled(engine, RUN_LABEL)
  return abandonedRuns([...containers, ...networks, ...volumes].map(({ labels }) => labels))
}

/** Removes what they left, and says of which runs. */
export async function removeContainerLeftovers(engine: EngineAddress): Promise<readonly string[]> {
  const runs = await containerLeftovers(engine)
  for (const runId of runs) await sweep(engine, sessionLabel(runId))
  return runs
}
