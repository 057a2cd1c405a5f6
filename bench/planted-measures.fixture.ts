// How the measures of two runs with the same seed and settings are compared, where a lie was planted in one of them: the table of
// all metrics, and for each by how much it moves by itself on a busy machine.
import { figureOf, type Figure, type RunAnalysis } from './contract/analysis.ts'

/**
 * `equal`: to the last digit. `within`: value against value. `bounds`: values within, or bounds that overlap. `free`: says why.
 * `calm`: only where the machine let both runs be what they were meant to be.
 */
type Comparison =
  | { readonly how: 'equal' }
  | {
      readonly how: 'within' | 'bounds'
      readonly relative: number
      readonly absolute: number
      readonly calm?: true
    }
  | { readonly how: 'free'; readonly why: string }

const equal: Comparison = { how: 'equal' }
const within = (relative: number, absolute: number): Comparison => ({ how: 'within', relative, absolute })
const free = (why: string): Comparison => ({ how: 'free', why })

const calm = (how: 'within' | 'bounds', relative: number, absolute: number): Comparison => ({
  how,
  relative,
  absolute,
  calm: true,
})

const ONE_STALL = free('one stall of the machine decides it')

/** Metric, or the beginning of its name before a `*`; the first that fits counts. */
const MEASURES: readonly (readonly [metric: string, Comparison])[] = [
  ['offered', equal],
  ['failed', equal],
  ['unknown', equal],
  ['dropped', equal],
  ['declined', equal],
  ['lost_writes', equal],
  ['lost_writes_everywhere', equal],
  ['divergent_rows', equal],
  ['mixed_rows', equal],
  ['resurrected_rows', equal],
  ['unknown_present', equal],
  ['probes_open', equal],
  ['probes_dropped', equal],
  // The value is what is sure.
  ['reordered', equal],
  ['beaten_by_earlier', within(0, 0)],
  ['acknowledged', calm('within', 0.03, 0)],
  ['visible', calm('within', 0.05, 0)],
  ['coalesced', calm('within', 0.5, 50)],
  ['*_p50', calm('within', 0, 12)],
  ['*_p90', calm('within', 0, 40)],
  ['*_p99', ONE_STALL],
  ['*_p999', ONE_STALL],
  ['*_max', ONE_STALL],
  ['probes_clean', calm('within', 0.3, 50)],
  ['overshadowed', calm('within', 0.4, 50)],
  ['conflict_share_sampling_error', free('an error of another figure')],
  ['conflict_*', calm('bounds', 0.2, 0.02)],
  ['conflicts_reported', calm('within', 0.25, 60)],
  ['discarded', calm('bounds', 0.25, 20)],
  ['lost_updates', calm('bounds', 0.25, 20)],
  ['convergence', within(0, 2)],
  ['wan_bytes', within(0.1, 0)],
  ['write_amplification', equal],
  ['device_write_amplification', free('whoever writes to the disk moves it')],
  ['client_cpu', free('the machine’s other work moves it')],
  ['server_cpu', free('the machine’s other work moves it')],
  ['resident_max', within(0.5, 0)],
  ['fault_*', free('a fault’s own figures; its moment among the writes differs from run to run')],
]

function comparisonOf(metric: string): Comparison {
  const found = MEASURES.find(([name]) => {
    if (name.endsWith('*')) return metric.startsWith(name.slice(0, -1))
    return name.startsWith('*') ? metric.endsWith(name.slice(1)) : name === metric
  })
  if (found === undefined) throw new Error(`nothing says how ${metric} of two runs is compared`)
  return found[1]
}

/** What the audit says of a machine that had too much to do. */
const BUSY = /^(CPU pressure|CPU stolen|link RTT|schedule slip|event-loop delay)/

/** Whether the machine was quiet enough for times, and for what depends on them, to be compared with those of another run. */
export function isCalm({ audit }: RunAnalysis): boolean {
  return !audit.some(({ name, result }) => result === 'outside' && BUSY.test(name))
}

function moved(metric: string, base: Figure, run: Figure, calmBoth: boolean): boolean {
  const comparison = comparisonOf(metric)
  if (comparison.how === 'free') return false
  if (base.value === null || run.value === null) return base.value !== run.value
  if (comparison.how === 'equal') return base.value !== run.value
  if (comparison.calm === true && !calmBoth) return false
  const room = Math.max(comparison.absolute, comparison.relative * Math.abs(base.value))
  if (Math.abs(run.value - base.value) <= room) return false
  if (comparison.how === 'within' || base.low === null || base.high === null) return true
  return run.low === null || run.high === null || run.low > base.high + room || run.high < base.low - room
}

/** Metrics over all DCs that are not what they are where nothing was planted, in words. */
export function movedMeasures(base: RunAnalysis, run: RunAnalysis): Map<string, string> {
  const names = new Set(run.metrics.filter(({ dc, peer }) => dc === '' && peer === '').map(({ metric }) => metric))
  const found = new Map<string, string>()
  const calmBoth = isCalm(base) && isCalm(run)
  for (const metric of names) {
    const [before, after] = [figureOf(base.metrics, metric), figureOf(run.metrics, metric)]
    if (!moved(metric, before, after, calmBoth)) continue
    const text = ({ value, low, high }: Figure) => `${value}${low === null ? '' : ` (${low} to ${high})`}`
    found.set(metric, `${metric}: ${text(after)} instead of ${text(before)}`)
  }
  return found
}

/** Nothing that only a store that lies, or a harness that errs, can show. */
export function findingsOf({ metrics, verdict }: RunAnalysis): string[] {
  const zero = [
    'failed',
    'unknown',
    'unknown_present',
    'dropped',
    'lost_writes',
    'lost_writes_everywhere',
    'divergent_rows',
    'mixed_rows',
    'resurrected_rows',
    'probes_open',
  ]
  const wrong = zero.filter((metric) => figureOf(metrics, metric).value !== 0)
  const surely = ['reordered', 'beaten_by_earlier'].filter((metric) => figureOf(metrics, metric).low !== 0)
  const unconverged = figureOf(metrics, 'convergence').value === null ? ['convergence'] : []
  return [
    ...[...wrong, ...surely, ...unconverged].map((metric) => `${metric} ${JSON.stringify(figureOf(metrics, metric))}`),
    ...verdict.broken,
  ]
}
