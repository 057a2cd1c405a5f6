// What the harness's own distance from servers of the user's adds to a lag that it measures (docs/measures.md).
import { figureOf } from '../contract/analysis.ts'
import type { Topology } from '../contract/topology.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import type { RoundTrips } from './round-trips.ts'

/** For one directed pair of DCs: what clients in the DCs would have seen lies between the lag − `lessMs` and the lag + `moreMs`. */
interface Distance {
  readonly from: string
  readonly to: string
  readonly lessMs: number
  readonly moreMs: number
}

const isFromOutside = ({ links }: Topology): boolean => links.some(({ isUnknown }) => isUnknown === true)

/** The median round trips of the measured phase between the harness and each DC; none in a run on links of ours. */
function harnessTrips({ stored, dcs }: RunData, roundTrips: readonly RoundTrips[]): Map<string, number> {
  if (!isFromOutside(stored.scenario.topology)) return new Map()
  const own = roundTrips.filter(({ from, to, phase }) => phase === 'during' && !dcs.includes(from) && dcs.includes(to))
  return new Map(own.map(({ to, p50Ms }) => [to, p50Ms]))
}

/** Adds `lag_error_distance` for every pair and the worst of them, and says what share of a pair's lag p50 it is at most. */
export function addDistances(
  list: MetricList,
  run: RunData,
  roundTrips: readonly RoundTrips[],
): { readonly share: number | null; readonly where: string; readonly notes: readonly string[] } {
  const trips = harnessTrips(run, roundTrips)
  const distances = run.dcs.flatMap((from) =>
    run.dcs.flatMap((to): Distance[] => {
      const [moreMs, lessMs] = [trips.get(from), trips.get(to)]
      return from === to || moreMs === undefined || lessMs === undefined ? [] : [{ from, to, moreMs, lessMs }]
    }),
  )
  if (distances.length === 0) return { share: null, where: '', notes: [] }
  const errorOf = ({ lessMs, moreMs }: Distance) => Math.max(lessMs, moreMs)
  let worst: { share: number | null; where: string } = { share: null, where: '' }
  for (const distance of distances) {
    const where = { dc: distance.from, peer: distance.to }
    list.add('lag_error_distance', 'ms', { value: errorOf(distance) }, where)
    const lag = figureOf(list.metrics, 'lag_p50', where).value
    // Where a write is acknowledged when it has arrived there is no lag to have a share of.
    if (lag === null || lag <= 0) continue
    const share = errorOf(distance) / lag
    if (worst.share === null || share > worst.share) worst = { share, where: `${distance.from} to ${distance.to}` }
  }
  list.add('lag_error_distance', 'ms', { value: Math.max(...distances.map(errorOf)) })
  const less = Math.max(...distances.map(({ lessMs }) => lessMs))
  const more = Math.max(...distances.map(({ moreMs }) => moreMs))
  const far = [...trips].map(([dc, ms]) => `${ms.toFixed(2)} ms from ${dc}`).join(' and ')
  return {
    ...worst,
    notes: [
      `The harness stands ${far} (round trip, p50): clients in the DCs would see lags up to ${less.toFixed(2)} ms shorter or ${more.toFixed(2)} ms longer, and response times shorter by what their round trip to the harness takes.`,
    ],
  }
}

/** How the servers were used, where that says something of the figures. */
export function externalNotes({ stored }: RunData): string[] {
  const { external } = stored.scenario
  if (external === undefined) return []
  const { encryption, peerEncryption, besideHarness } = external
  const dcsOf = (how: Readonly<Record<string, string>>, word: RegExp) =>
    Object.entries(how)
      .filter(([, value]) => word.test(value))
      .map(([dc]) => dc)
      .join(', ')
  const sentence = (dcs: string, text: (dcs: string) => string) => (dcs === '' ? [] : [text(dcs)])
  const native = besideHarness.length === 0
  return [
    ...sentence(
      dcsOf(encryption, /^unverified$/),
      (dcs) =>
        `Nobody checked who answers for ${dcs}: connections are encrypted, but their certificates were not verified.`,
    ),
    ...sentence(dcsOf(encryption, /^none$/), (dcs) => `Connections to ${dcs} were not encrypted.`),
    ...(native
      ? sentence(
          dcsOf(peerEncryption, /^(?:require|disable)$/),
          (dcs) => `Servers that replicate from ${dcs} did not verify who answers.`,
        )
      : [
          `${besideHarness.join(', ')} ran beside the harness and not in a DC: what they carry crosses the harness’s distance to both.`,
        ]),
    'WAN bytes and the servers’ CPU, memory and storage writes are n/a: the servers are not the harness’s to measure.',
  ]
}
