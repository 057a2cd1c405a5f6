// Faults that a store planted on purpose, each beside what its measure found.
import { figureOf, type Figure, type Metric, type PlantedFinding } from '../contract/analysis.ts'
import type { PlantedFault } from '../contract/store-words.ts'

/** In the order in which the store named them. */
export function plantedFindings(planted: readonly PlantedFault[], metrics: readonly Metric[]): PlantedFinding[] {
  return planted.map((fault) => {
    const { value, low, high, n } = figureOf(metrics, fault.metric)
    const found: Figure = { value, low, high, n }
    return { ...fault, found }
  })
}
