// What nodes planted on purpose: told by each of its own, and joined by the admin.
import type { PlantedFault } from '../../../bench/contract/store-words.ts'

/** One fault as one node knows it. */
export interface NodePlanted {
  readonly name: string
  readonly meaning: string
  readonly metric: string
  /** Row writes that it hit here. */
  readonly rows: number
  /** What stands of them, each by the number that tells it from the others in all DCs: a key, or a dot. */
  readonly standing: readonly number[]
}

/** Faults of all nodes: hits are added up, and what several nodes see standing counts once. */
export function joinPlanted(nodes: readonly (readonly NodePlanted[])[]): PlantedFault[] {
  const ofFault = Map.groupBy(nodes.flat(), ({ name, metric }) => `${name} ${metric}`)
  return [...ofFault.values()].map((parts) => {
    const [{ name, meaning, metric }] = parts
    const rows = parts.reduce((sum, part) => sum + part.rows, 0)
    return { name, meaning, rows, standing: new Set(parts.flatMap(({ standing }) => standing)).size, metric }
  })
}
