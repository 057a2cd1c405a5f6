// Sentences on what became of writes beside conflicts and losses; each appears only where there is something to say.
import { figureOf, type BenchAnalysis, type Figure, type SystemAnalysis } from '../contract/analysis.ts'
import { wholeText } from './figures.ts'

type Of = (metric: string) => Figure

/** The figures of a system's runs added up, since a median would hide what went wrong in one of them. */
function overRuns(bench: BenchAnalysis, system: SystemAnalysis): Of {
  const runs = bench.runs.filter(({ run }) => system.runs.includes(run))
  if (runs.length <= 1) return (metric) => figureOf(system.metrics, metric)
  return (metric) => {
    const figures = runs.map(({ metrics }) => figureOf(metrics, metric))
    const sum = (name: keyof Figure) => {
      const known = figures.flatMap((figure) => figure[name] ?? [])
      return known.length === 0 ? null : known.reduce((all, part) => all + part, 0)
    }
    return { value: sum('value'), low: sum('low'), high: sum('high'), n: sum('n') }
  }
}

const range = ({ low, high }: Figure) =>
  low === null || high === null || low === high ? '' : ` (${wholeText(low)} to ${wholeText(high)})`
const rows = (count: number, one: string, several: string) => `${wholeText(count)} ${count === 1 ? one : several}`

/** In the order of what is worst. */
export function fateSentences(bench: BenchAnalysis): string[] {
  return bench.systems.flatMap((system) => {
    const repeated = system.runs.length > 1
    const who = [
      ...(bench.systems.length > 1 || repeated ? [system.label] : []),
      ...(repeated ? [`${system.runs.length} runs together`] : []),
    ]
    const label = who.length === 0 ? '' : `${who.join(', ')}: `
    const of = overRuns(bench, system)
    const run = bench.runs.find((one) => system.runs.includes(one.run))
    return [
      ...mixed(of),
      ...resurrected(of),
      ...reordered(of, system),
      ...beaten(of),
      ...unknown(of),
      ...(run?.takesTurns === true ? turns(of, run.reportedMeaning) : []),
      ...vectors(system),
    ].map((sentence) => `${label}${sentence}`)
  })
}

function mixed(of: Of): string[] {
  const { value } = of('mixed_rows')
  if (value === null || value === 0) return []
  return [`${rows(value, 'row ends', 'rows end')} mixed: no write made what they hold.`]
}

function resurrected(of: Of): string[] {
  const { value } = of('resurrected_rows')
  if (value === null || value === 0) return []
  return [`${rows(value, 'deleted row', 'deleted rows')} came back in some DC, and count among the lost writes.`]
}

function reordered(of: Of, system: SystemAnalysis): string[] {
  const { value, high, n } = of('reordered')
  if (value === null || value === 0) return []
  const promised = system.capabilities.ordered
    ? 'the system declares to keep the order'
    : 'the system does not declare to keep the order of different rows'
  return [
    `At least ${wholeText(value)} of ${wholeText(n)} probed writes were seen after a write that their DC had sent later (at most ${wholeText(high)}): ${promised}.`,
  ]
}

function beaten(of: Of): string[] {
  const figure = of('beaten_by_earlier')
  if (figure.value === null || figure.value === 0) return []
  return [
    `${rows(figure.value, 'write', 'writes')}${range(figure)} lost to a concurrent one that had been acknowledged before they were sent: the clocks of the DCs differ.`,
  ]
}

function unknown(of: Of): string[] {
  const { low, high, n } = of('unknown_present')
  if (n === null || n === 0 || low === null || high === null) return []
  const happened = low === high ? wholeText(low) : `at least ${wholeText(low)} and at most ${wholeText(high)}`
  return [`Of ${rows(n, 'write', 'writes')} without a known outcome over the whole run ${happened} happened.`]
}

/** A store's own counter may count what no two writes did at once. */
function turns(of: Of, meaning: string | undefined): string[] {
  const declined = of('declined').value ?? 0
  const late =
    declined === 0
      ? ''
      : `; ${rows(declined, 'row whose turn had not come was', 'rows whose turn had not come were')} declined`
  const reported = of('conflicts_reported').value
  const counter =
    reported === null || reported === 0 || meaning === undefined
      ? ''
      : ` The store’s own counter says ${wholeText(reported)} all the same, for it does not count concurrent writes but this: ${meaning}`
  return [`The DCs took turns on every key, so that no two writes were concurrent${late}.${counter}`]
}

function vectors(system: SystemAnalysis): string[] {
  if (system.conflictBasis !== 'exact') return []
  return [
    'Conflicts are exact: every row keeps and ships a version vector, so that throughput, WAN bytes and write amplification are not those of a run without.',
  ]
}
