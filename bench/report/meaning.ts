// A few plain sentences on what the figures of a bench mean, made from the figures alone.
import { figureOf, type BenchAnalysis, type Figure, type SystemAnalysis } from '../contract/analysis.ts'
import { fateSentences } from './fate-sentences.ts'
import { percentText, shortText, wholeText } from './figures.ts'
import { beyondDelay } from './link-table.ts'
import { waitSentences } from './wait-sentences.ts'

/** Sentences in the order of the table's columns. */
export function meaningOf(bench: BenchAnalysis): string[] {
  return [
    ...rateSentences(bench),
    ...comparison(bench, RESPONSE),
    ...waitSentences(bench),
    ...bench.systems.flatMap((system) => lagSentences(bench, system)),
    ...bench.systems.flatMap((system) => conflictSentences(bench, system)),
    ...lossSentences(bench),
    ...fateSentences(bench),
    ...wanSentences(bench),
    ...storageSentences(bench),
    ...missingSentences(bench),
  ]
}

const of = (system: SystemAnalysis, metric: string): Figure => figureOf(system.metrics, metric)
const named = (bench: BenchAnalysis, system: SystemAnalysis) => (bench.systems.length > 1 ? `${system.label}: ` : '')
const range = ({ low, high }: Figure, text: (value: number | null) => string, spread = '') =>
  low === null || high === null || low === high ? '' : ` (${text(low)} to ${text(high)}${spread})`

function rateSentences(bench: BenchAnalysis): string[] {
  const rates = new Set(bench.systems.map((system) => system.rowsPerSecond))
  const closed = bench.systems.filter((system) => system.rowsPerSecond === null)
  return [
    ...(rates.size > 1 ? ['The rows are not at one rate: compare their response times and lags with care.'] : []),
    ...(closed.length > 0
      ? ['Closed loop: throughput only. Response times have no schedule to count from, and the lag has no limit.']
      : []),
  ]
}

/** Below this ratio two times are not told apart. */
const ALIKE = 1.05

interface Compared {
  readonly metric: string
  /** What a system does in, or after, that time. */
  readonly does: string
  readonly preposition: string
  /** Why a system may be slow. */
  readonly because: (system: SystemAnalysis) => string
}

const RESPONSE: Compared = {
  metric: 'response_p50',
  does: 'answers',
  preposition: 'in',
  because: ({ capabilities }) =>
    capabilities.acknowledges === 'local' ? '' : ', since it waits for other DCs before it acknowledges',
}
/** Which system is slower and by how much. */
function comparison(bench: BenchAnalysis, { metric, does, preposition, because }: Compared): string[] {
  const known = bench.systems
    .filter((system) => system.rowsPerSecond !== null && of(system, metric).value !== null)
    .map((system) => ({ system, ms: of(system, metric).value as number }))
    .sort((a, b) => a.ms - b.ms)
  if (known.length < 2) return []
  const [fastest] = known
  const slowest = known[known.length - 1]
  const ratio = slowest.ms / fastest.ms
  const times = fastest.ms <= 0 ? '' : ratio < ALIKE ? ', much the same' : `, ${shortText(ratio)} × as long`
  const first = `${fastest.system.label} ${does} ${preposition} ${shortText(fastest.ms)} ms (p50)`
  return [
    `${first}, ${slowest.system.label} ${preposition} ${shortText(slowest.ms)} ms${times}${because(slowest.system)}.`,
  ]
}

/** What a lag is made of: the WAN takes its one-way delay, the rest is the system's. */
function lagSentences(bench: BenchAnalysis, system: SystemAnalysis): string[] {
  const lag = of(system, 'lag_p50').value
  const delays = new Set(bench.runs[0].links.map((link) => link.delayMs))
  const [delayMs] = delays
  if (system.rowsPerSecond === null || lag === null || delayMs === undefined) return []
  if (bench.runs[0].links.some(({ isUnknown }) => isUnknown === true)) return lagFromOutside(bench, system)
  if (delays.size > 1) return unequalLinks(bench, system)
  const error = of(system, 'lag_error_p50').value
  const known = error === null ? '' : `, known to ${shortText(error)} ms`
  if (lag < delayMs) {
    return [
      `${named(bench, system)}A write is visible in the other DC ${shortText(lag)} ms after its acknowledgement (p50${known}): less than the WAN takes, since the acknowledgement itself crosses it.`,
    ]
  }
  return [
    `${named(bench, system)}Of the lag of ${shortText(lag)} ms (p50${known}) the WAN takes ${shortText(delayMs)}, the replication ${shortText(lag - delayMs)}.`,
  ]
}

/** Of links that are not ours nothing is known: the lag cannot be told apart, and the harness's own distance is in it. */
function lagFromOutside(bench: BenchAnalysis, system: SystemAnalysis): string[] {
  const [error, distance] = ['lag_error_p50', 'lag_error_distance'].map((metric) => of(system, metric).value)
  const known = error === null ? '' : `, known to ${shortText(error)} ms`
  const apart = distance === null ? '' : `, of which up to ${shortText(distance)} ms may be the harness’s own distance`
  return [
    `${named(bench, system)}A write is visible in the other DC ${shortText(of(system, 'lag_p50').value)} ms after its acknowledgement, as the harness sees it (p50${known})${apart}.`,
  ]
}

/** With unequal links every pair is held against its own delay. */
function unequalLinks(bench: BenchAnalysis, system: SystemAnalysis): string[] {
  const beyond = beyondDelay(bench.runs[0], system)
  if (beyond === undefined) return []
  const [least, most] = [beyond[0], beyond[beyond.length - 1]]
  return [
    `${named(bench, system)}Beyond the delay of its link a write takes ${shortText(least.ms)} ms (${least.pair}) to ${shortText(most.ms)} ms (${most.pair}) to be visible (p50 of each pair).`,
  ]
}

function conflictSentences(bench: BenchAnalysis, system: SystemAnalysis): string[] {
  const share = of(system, 'conflict_share')
  if (share.value === null) return []
  const spread = system.runs.length > 1 ? ' over the runs' : ''
  const estimated =
    system.conflictBasis === 'estimated' && share.value > 0 ? ', estimated from the lags of the probed writes' : ''
  const exact = system.conflictBasis === 'exact' && system.runs.length === 1
  const bounds = range(share, percentText, spread)
  const how = exact ? `, by their vectors${bounds.replace('(', '(by visibility ')}` : estimated
  const measured = `${percentText(share.value)}${exact ? '' : bounds} of the writes were in a conflict${how}`
  const predicted = of(system, 'conflict_share_predicted').value
  const expected = predicted === null ? '' : `, where independent writers would have ${percentText(predicted)}`
  return [`${named(bench, system)}${measured}${expected}${updatesLost(system, spread)}.`]
}

/** Of a counter, what its sum misses, beside what the chains of the writes say. */
function updatesLost(system: SystemAnalysis, spread: string): string {
  const lost = of(system, 'lost_updates')
  if (lost.value === null) return missingByDc(system)
  const figure = `${wholeText(lost.value)}${range(lost, wholeText, spread)}`
  if (!system.metrics.some(({ metric }) => metric === 'lost_updates_by_chains')) {
    return `; ${figure} updates were overwritten unseen`
  }
  const chains = of(system, 'lost_updates_by_chains')
  const apart =
    chains.value === null
      ? ''
      : `, and the writes that no final row descends from had added ${wholeText(chains.value)}${range(chains, wholeText, spread)}`
  return `; the counters miss ${figure} of what was added to them${apart}`
}

/** Where the DCs hold different sums of a counter, what each of them misses. */
function missingByDc(system: SystemAnalysis): string {
  const byDc = system.metrics.filter(
    ({ metric, peer, value }) => metric === 'lost_updates' && peer !== '' && value !== null,
  )
  if (byDc.length === 0) return ''
  const each = byDc.map(({ peer, value }) => `${wholeText(value as number)} in ${peer}`).join(', ')
  return `; the counters end different in the DCs, and miss of what was added to them ${each}`
}

/** Of one run its value, of several the worst: a median would hide what one of them lost. */
const most = (system: SystemAnalysis, metric: string): number | null => {
  const { value, high } = of(system, metric)
  return system.runs.length > 1 ? high : value
}

/** One sentence for all systems that kept everything, one for each that did not. */
function lossSentences(bench: BenchAnalysis): string[] {
  const read = bench.systems.filter((system) => of(system, 'lost_writes').value !== null)
  const kept = read.filter((system) => most(system, 'lost_writes') === 0 && most(system, 'divergent_rows') === 0)
  const broken = read.filter((system) => !kept.includes(system))
  const who = broken.length === 0 ? '' : `${kept.map(({ label }) => label).join(' and ')}: `
  return [
    ...(kept.length > 0 ? [`${who}No acknowledged write is lost, and all DCs end with equal rows.`] : []),
    ...broken.map((system) => `${named(bench, system)}${whatIsMissing(system)}`),
  ]
}

const counted = (count: number | null, one: string, several: string) =>
  `${wholeText(count)} ${count === 1 ? one : several}`

/** Where nothing is compared, DCs that end apart are no loss of the system's but what it does. */
function whatIsMissing(system: SystemAnalysis): string {
  const lost = most(system, 'lost_writes')
  const everywhere = most(system, 'lost_writes_everywhere')
  const apart = counted(most(system, 'divergent_rows'), 'row differs', 'rows differ')
  const worst = system.runs.length > 1 ? `, in the worst of its ${system.runs.length} runs` : ''
  if (system.capabilities.conflicts === 'diverges') {
    return `${apart} at the end, as must be where nothing compares concurrent writes: of ${counted(lost, 'key', 'keys')} some DC ends without the newest write${everywhere === 0 ? '' : `, of ${wholeText(everywhere)} of them all DCs do`}${worst}.`
  }
  return `${counted(lost, 'acknowledged write is', 'acknowledged writes are')} lost in at least one DC (${wholeText(everywhere)} in all), and ${apart} at the end${worst}.`
}

function wanSentences(bench: BenchAnalysis): string[] {
  const ideal = bench.runs[0].dcs.length - 1
  const known = bench.systems.filter((system) => of(system, 'wan_bytes').value !== null)
  if (known.length === 0) return []
  const each = known.map(
    (system) => `${known.length > 1 ? `${system.label} ` : ''}${shortText(of(system, 'wan_bytes').value)} ×`,
  )
  return [`The WAN carries ${each.join(', ')} the bytes of the keys and values, where ${ideal} × would do.`]
}

function storageSentences(bench: BenchAnalysis): string[] {
  const known = bench.systems.filter((system) => of(system, 'write_amplification').value !== null)
  if (known.length === 0) return []
  if (known.every((system) => of(system, 'write_amplification').value === 0))
    return ['Nothing is written to storage: what a store here acknowledged is in memory alone.']
  const each = known.map(
    (system) => `${known.length > 1 ? `${system.label} ` : ''}${shortText(of(system, 'write_amplification').value)}`,
  )
  return [
    `For each of those bytes a DC writes ${each.join(', ')} bytes to storage: logs, pages and compaction, with a final checkpoint.`,
  ]
}

/** Why a whole column is n/a. */
function missingSentences(bench: BenchAnalysis): string[] {
  const nowhere = (metric: string) => bench.systems.every((system) => of(system, metric).value === null)
  return [
    ...(bench.runs[0].links.some(({ isUnknown }) => isUnknown === true)
      ? [
          'WAN bytes and write amplification are n/a: the servers and the links between them are not the harness’s to measure.',
        ]
      : nowhere('write_amplification')
        ? ['Write amplification is n/a: the system does not count bytes written where the data lie.']
        : []),
    ...(nowhere('lag_p50') ? ['Lag is n/a: no write was seen arriving in another DC.'] : []),
  ]
}
