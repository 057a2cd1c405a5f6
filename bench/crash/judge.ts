// Whether a run that was killed into kept what it promised: told from its analysis alone.
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'

/** Rows that must be none, whatever was killed. */
const NONE_OF = [
  ['lost_writes', 'acknowledged writes are lost in some DC'],
  ['lost_writes_everywhere', 'acknowledged writes are lost in all DCs'],
  ['divergent_rows', 'rows differ between the DCs'],
  ['resurrected_rows', 'deleted rows are back'],
  ['mixed_rows', 'rows hold what no write made'],
] as const

/** What the run saw broken, as sentences; none where all held. `kills`: how many faults were asked for. */
export function brokenIn(analysis: RunAnalysis, kills: number): string[] {
  const { metrics, faults = [], verdict, capabilities } = analysis
  const broken = [...verdict.broken]
  for (const [metric, what] of NONE_OF) {
    const { value } = figureOf(metrics, metric)
    if (value !== null && value !== 0) broken.push(`${value} ${what}.`)
  }
  const reordered = figureOf(metrics, 'reordered')
  if (capabilities.ordered && (reordered.low ?? 0) > 0) {
    broken.push(`${reordered.low} writes were seen after later ones of their DC.`)
  }
  if (analysis.workload === 'counter') broken.push(...countersBroken(analysis))
  // A run that shows nothing proves nothing.
  if (faults.length !== kills) broken.push(`${faults.length} of ${kills} kills took place.`)
  if ((figureOf(metrics, 'acknowledged').value ?? 0) === 0) broken.push('Nothing was acknowledged.')
  if (figureOf(metrics, 'convergence').value === null) broken.push('The DCs did not become equal.')
  return [...new Set(broken)]
}

/** Every key has one writing DC, so that sums are known up to writes of unknown outcome: what is missing is lost, what is too much was applied twice. */
function countersBroken({ metrics }: RunAnalysis): string[] {
  const { value, low, high } = figureOf(metrics, 'lost_updates')
  if (value === null) return ['The sums were not counted.']
  if ((low ?? value) > 0) return [`At least ${low ?? value} are missing in the sums.`]
  if ((high ?? value) < 0) return [`At least ${-(high ?? value)} too many are in the sums: applied twice.`]
  return []
}
