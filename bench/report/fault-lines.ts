// One line a fault and system under the table: how far replication fell behind, when it had caught up, and who went on writing.
import { figureOf, type BenchAnalysis, type FaultSummary, type SystemAnalysis } from '../contract/analysis.ts'
import type { FaultKindName } from '../contract/fault.ts'
import { shortText, wholeText } from './figures.ts'

/** From what on the catching up counts. */
const AFTER: Readonly<Record<FaultKindName, string>> = {
  blackhole: 'the heal',
  cut: 'the heal',
  reset: 'connections were allowed again',
  slow: 'the link was itself again',
  kill: 'it was ready again',
  pause: 'it went on',
  restart: 'it was ready again',
}
/** A DC that acknowledged nothing for longer than this, and for longer than this share of the fault, stood still. */
const STILL_SECONDS = 0.25
const STILL_SHARE = 0.1

const secondsText = (seconds: number) => shortText(Math.round(seconds * 10) / 10)

/** Nothing for a bench without faults. */
export function faultSentences(bench: Pick<BenchAnalysis, 'runs' | 'systems'>): string[] {
  return bench.systems.flatMap((system) => {
    const run = bench.runs.find((one) => system.runs.includes(one.run))
    const label = bench.systems.length > 1 ? `${system.label}: ` : ''
    return (run?.faults ?? []).map((fault) => `${label}${sentenceOf(fault, system, run?.dcs ?? [])}`)
  })
}

function sentenceOf(fault: FaultSummary, system: SystemAnalysis, dcs: readonly string[]): string {
  const phase = fault.name
  const when = `${fault.name} ${secondsText(fault.startSeconds)}–${secondsText(fault.mendSeconds)} s`
  const backlog = figureOf(system.metrics, 'fault_backlog_peak', { phase }).value
  const behind = backlog === null ? 'backlog n/a' : `backlog ${wholeText(backlog)} rows`
  return `${when}: ${behind}, ${caughtUp(fault, system)}; ${[...writers(fault, system, dcs), ...unsure(phase, system)].join('; ')}.`
}

function caughtUp(fault: FaultSummary, system: SystemAnalysis): string {
  const { value } = figureOf(system.metrics, 'fault_catch_up', { phase: fault.name })
  const after = AFTER[fault.kind]
  const known =
    fault.links.length > 0 && figureOf(system.metrics, 'fault_backlog_peak', { phase: fault.name }).value !== null
  if (value !== null) return `caught up ${shortText(value)} s after ${after}`
  return known ? `not caught up before the next fault or the end` : 'catching up n/a'
}

/** Who went on writing, and who stood still for how long. */
function writers(fault: FaultSummary, system: SystemAnalysis, dcs: readonly string[]): string[] {
  const length = fault.endSeconds - fault.startSeconds
  const outages = dcs.map((dc) => ({
    dc,
    seconds: figureOf(system.metrics, 'fault_outage', { dc, phase: fault.name }).value ?? 0,
  }))
  const stood = outages.filter(({ seconds }) => seconds > Math.max(STILL_SECONDS, STILL_SHARE * length))
  const wrote = outages.filter((outage) => !stood.includes(outage)).map(({ dc }) => dc)
  return [
    ...(wrote.length === 0 ? [] : [`${listed(wrote)} went on writing`]),
    ...stood.map(({ dc, seconds }) => `${dc} acknowledged nothing for ${shortText(seconds)} s`),
  ]
}

const listed = (names: readonly string[]) =>
  names.length < 3 ? names.join(' and ') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

/** Writes that failed, or whose outcome nobody knows. */
function unsure(phase: string, system: SystemAnalysis): string[] {
  return (['failed', 'unknown'] as const).flatMap((word) => {
    const rows = figureOf(system.metrics, `fault_${word}`, { phase }).value ?? 0
    return rows === 0 ? [] : [`${wholeText(rows)} rows ${word === 'failed' ? 'failed' : 'of unknown outcome'}`]
  })
}
