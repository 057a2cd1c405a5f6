// Round trips over the links before, during and after the measurement, against what the topology asks for.
import { quantileSorted } from 'simple-statistics'
import { linkBetween, type Topology } from '../contract/topology.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import type { FaultSpans } from './fault-spans.ts'
import { PERCENTILES } from './histograms.ts'
import type { RunData } from './load.ts'
import { readCsv } from './raw-csv.ts'
import type { MetricList } from './metric-list.ts'

/** The phase of pings that were under way in a fault or in the catching up after it. */
export const FAULT_PHASE = 'fault'

/** One link's pings in one phase, in ms. */
export interface RoundTrips {
  readonly from: string
  readonly to: string
  readonly phase: string
  /** null: the way is not ours to set. */
  readonly nominalMs: number | null
  /** What jitter may add to it: bytes keep their order, so that the late ones hold up those behind them. */
  readonly jitterMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly n: number
}

/** Reads rtt.csv and adds `rtt_p50` … `rtt_max` for every link and phase; pings that a fault touched are a phase of their own. */
export function addRoundTrips(list: MetricList, run: RunData, spans: FaultSpans): RoundTrips[] {
  const groups = new Map<string, { from: string; to: string; phase: string; rttMs: number[] }>()
  for (const { at_s: at, from, to, phase: part, rtt_ms: rtt } of readCsv(run, RUN_FILES.rtt)) {
    const rttMs = Number(rtt)
    if (rtt === '') continue
    const sentUs = Number(at) * 1e6
    const phase = spans.touch(sentUs, sentUs + rttMs * 1000) ? FAULT_PHASE : part
    const name = JSON.stringify([from, to, phase])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { from, to, phase, rttMs: [rttMs] })
    else group.rttMs.push(rttMs)
  }
  return [...groups.values()].map(({ from, to, phase, rttMs }) => {
    const sorted = rttMs.sort((a, b) => a - b)
    const at = (percent: number) => quantileSorted(sorted, percent / 100)
    for (const { name, percent } of PERCENTILES) {
      list.add(`rtt_${name}`, 'ms', { value: at(percent), n: sorted.length }, { dc: from, peer: to, phase })
    }
    return {
      from,
      to,
      phase,
      ...askedFor(run.stored.scenario.topology, from, to),
      p50Ms: at(50),
      p99Ms: at(99),
      n: sorted.length,
    }
  })
}

function askedFor(topology: Topology, from: string, to: string): Pick<RoundTrips, 'nominalMs' | 'jitterMs'> {
  // What is pinged from outside of the DCs is no link.
  const isLink = topology.links.some((link) => link.from === from && link.to === to)
  if (!isLink) return { nominalMs: null, jitterMs: 0 }
  const [there, back] = [linkBetween(topology, from, to), linkBetween(topology, to, from)]
  return { nominalMs: there.delayMs + back.delayMs, jitterMs: there.jitterMs + back.jitterMs }
}
