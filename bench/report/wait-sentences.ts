// What a write waits for over the WAN: as a driver says it, and as it was measured.
import { figureOf, type BenchAnalysis, type RunAnalysis, type SystemAnalysis } from '../contract/analysis.ts'
import type { Waits } from '../contract/driver.ts'
import { shortText } from './figures.ts'

const DCS_TEXT = {
  own: 'no other DC',
  majority: 'a majority of the DCs',
  farthest: 'the farthest DC',
} as const satisfies Record<Waits['to'], string>

/** Such as "waits for 1 round trip to the farthest DC". */
export function waitsText({ roundTrips, to }: Waits): string {
  if (roundTrips === 0) return 'waits for no other DC'
  return `waits for ${roundTrips} round trip${roundTrips === 1 ? '' : 's'} to ${DCS_TEXT[to]}`
}

/** What one DC's writes took. */
interface WriteWait {
  readonly dc: string
  readonly peer: string
  readonly roundTrips: number | null
  readonly theory: number | null
  readonly theoryMs: number | null
  readonly beyondMs: number | null
}

/** By DC, with the one that its writes wait for; none in analyses of older versions. */
export function writeWaits({ metrics }: SystemAnalysis): WriteWait[] {
  return metrics
    .filter(({ metric }) => metric === 'write_round_trips')
    .map(({ dc, peer, value }) => {
      const of = (metric: string) => figureOf(metrics, metric, { dc, peer }).value
      return {
        dc,
        peer,
        roundTrips: value,
        theory: of('write_round_trips_theory'),
        theoryMs: of('write_wait_theory'),
        beyondMs: of('write_wait_beyond'),
      }
    })
}

const between = (values: readonly number[], text: (value: number) => string): string => {
  const [least, most] = [text(Math.min(...values)), text(Math.max(...values))]
  return least === most ? least : `${least} to ${most}`
}

/** A sentence a system whose writes wait for other DCs; none in closed loop, where they wait for one another. */
export function waitSentences(bench: BenchAnalysis): string[] {
  return bench.systems.flatMap((system) => {
    const waits = writeWaits(system)
    const known = waits.flatMap(({ roundTrips, theory, theoryMs, beyondMs, ...pair }) =>
      roundTrips === null || theory === null || theoryMs === null || beyondMs === null || theory === 0
        ? []
        : [{ ...pair, roundTrips, theory, rttMs: theoryMs / theory, beyondMs }],
    )
    if (known.length === 0 || system.rowsPerSecond === null) return []
    const who = bench.systems.length > 1 ? `${system.label}: a` : 'A'
    const trips = between(
      known.map((wait) => wait.roundTrips),
      (value) => value.toFixed(2),
    )
    const rtts = between(
      known.map((wait) => wait.rttMs),
      shortText,
    )
    const beyond = between(
      known.map((wait) => wait.beyondMs),
      shortText,
    )
    return [
      `${who} write takes ${trips} round trips of ${rtts} ms (p50), where theory says ${known[0].theory}: ${beyond} ms beyond.`,
    ]
  })
}

/** Why the figures of a bench are not for publishing, each reason once. */
export function unpublishable(runs: readonly RunAnalysis[]): string[] {
  return [...new Set(runs.flatMap(({ notForPublishing = [] }) => notForPublishing))]
}
