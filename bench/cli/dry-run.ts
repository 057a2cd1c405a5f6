// `--dry-run`: what would run, how long, and how much disk and memory it takes, without starting anything.
import type { Link } from '../contract/topology.ts'
import type { Scenario } from '../contract/scenario.ts'
import { bytesIn, type Estimate, type EstimatedSystem, type Part } from '../estimate-parts.ts'
import { bytesText, doubtsOn, type Room } from '../estimate-room.ts'
import { workloadOptions } from '../systems.ts'
import type { WorkloadEntry } from '../registry.ts'

const secondsText = (seconds: number): string =>
  seconds < 90 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`

function linkText({ delayMs, jitterMs, bandwidthBytesPerSecond }: Link): string {
  const jitter = jitterMs === 0 ? '' : ` ± ${jitterMs} ms`
  return `${delayMs} ms${jitter}${bandwidthBytesPerSecond === undefined ? '' : `, ${bytesText(bandwidthBytesPerSecond)}/s`}`
}

/** Links that are alike in both directions share a line. */
function linkLines({ topology }: Estimate): string[] {
  if (topology.links.some(({ isUnknown }) => isUnknown === true)) {
    return [`  your servers in ${topology.dcs.map(({ name }) => name).join(', ')}: what lies between them is not known`]
  }
  return topology.links.flatMap((link, i) => {
    const back = topology.links.findIndex((other) => other.from === link.to && other.to === link.from)
    const alike = linkText(topology.links[back]) === linkText(link)
    if (alike && back < i) return []
    return [`  ${link.from} ${alike ? '⇄' : '→'} ${link.to}: ${linkText(link)}${alike ? ' each way' : ''}`]
  })
}

function clockLines({ clockSkewMs }: Scenario): string[] {
  return Object.entries(clockSkewMs).map(
    ([dc, ms]) => `  clock of ${dc}: ${Math.abs(ms)} ms ${ms < 0 ? 'behind' : 'ahead'}`,
  )
}

function systemLines({ name, mode, batchRows, lingerMs, writers, phases }: EstimatedSystem): string[] {
  const batches = batchRows === 1 ? 'one row at a time' : `up to ${batchRows} rows a batch, ${lingerMs} ms linger`
  const parts = phases.map((phase) => `${phase.name} ${secondsText(phase.seconds)}`).join(', ')
  return [`  ${name}, mode ${mode}: ${batches}, ${writers} writer${writers === 1 ? '' : 's'} a DC`, `    ${parts}`]
}

function rateText({ rate }: Scenario): string {
  if (rate.kind === 'fixed') return `${rate.rowsPerSecond.toLocaleString('en-US')} rows/s over all DCs`
  if (rate.kind === 'max') return 'as fast as it goes'
  return rate.kind === 'auto' ? 'at a rate that is found first, one for all' : 'each at a rate that is found first'
}

const partText = ({ name, bytes, bound }: Part): string => `${name} ${bound === true ? '≤ ' : ''}${bytesText(bytes)}`

function placeLine(estimate: Estimate, places: readonly Part['place'][], where: string, free: string): string {
  const { sure, most } = bytesIn(estimate, ...places)
  const parts = estimate.parts.filter(({ place }) => places.includes(place)).map(partText)
  const total =
    bytesText(sure) === bytesText(most) ? bytesText(sure) : `${bytesText(sure)}, at most ${bytesText(most)},`
  return `  ${total} ${where} (${free}): ${parts.join(', ')}`
}

/** The text on standard output. */
export function dryRunText(scenario: Scenario, workload: WorkloadEntry, estimate: Estimate, room: Room): string {
  const { overlap, skew, distribution, deletes } = workloadOptions(scenario, workload)
  const deleting = deletes === 0 ? '' : `, deletes ${deletes}`
  const free = (bytes: number) => `${bytesText(bytes)} free`
  const { data, out } = room
  const disk =
    data.device === out.device && data.folder === out.folder
      ? [placeLine(estimate, ['data', 'out'], `in ${data.folder}`, free(data.freeBytes))]
      : [
          // Servers that are not on this machine leave nothing to estimate here.
          ...(estimate.parts.some(({ place }) => place === 'data')
            ? [placeLine(estimate, ['data'], `in ${data.folder}`, free(data.freeBytes))]
            : []),
          placeLine(estimate, ['out'], `in ${out.folder}`, free(out.freeBytes)),
        ]
  const repeats = scenario.repeat === 1 ? '' : ` (${scenario.repeat} of each system, interleaved)`
  const together = estimate.heldAtOnce === 1 ? '' : `, ${estimate.heldAtOnce} systems deployed at once`
  return `${[
    `${estimate.workload}, ${estimate.rows.toLocaleString('en-US')} rows, overlap ${overlap}, ${distribution}${distribution === 'zipfian' || distribution === 'latest' ? ` ${skew}` : ''}${deleting}, ${rateText(scenario)}, ${scenario.arrivals}, seed ${scenario.seed}${scenario.quick ? ', quick' : ''}`,
    ...linkLines(estimate),
    ...clockLines(scenario),
    ...(scenario.causality === 'exact' ? ['  causality: exact, a version vector in every row'] : []),
    `${estimate.runs} run${estimate.runs === 1 ? '' : 's'}${repeats}${together}, about ${secondsText(estimate.seconds)} on a machine of two cores:`,
    ...estimate.systems.flatMap(systemLines),
    'Disk, estimated:',
    ...disk,
    'Memory, estimated:',
    placeLine(estimate, ['memory'], 'resident', `${bytesText(room.memoryBytes)} available`),
    ...doubtsOn(estimate, room),
    'Nothing was started: this is a dry run.',
  ].join('\n')}\n`
}

/** The same as one JSON document. */
export function dryRunJson(scenario: Scenario, estimate: Estimate, room: Room): string {
  return `${JSON.stringify({ dryRun: true, estimate, room, doubts: doubtsOn(estimate, room), scenario }, undefined, 2)}\n`
}
