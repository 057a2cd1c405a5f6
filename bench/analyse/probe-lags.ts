// The probed writes of the measured phase by link, in the order of their acknowledgement: what backlogs over time are made of.
import { OUTCOME } from '../contract/outcome.ts'
import { PHASE } from '../lib/dot.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { linkIndex } from './link-index.ts'
import type { RunData } from './load.ts'
import { originOf, probedWrites, type ProbedWrites } from './probed-writes.ts'

/**
 * Probes that saw their write, or wait for it to the end; what was overshadowed or not read says nothing of arrival. Times
 * are µs since the epoch: certainly not visible before `earliestUs`, visible by `latestUs`; infinite where it was never seen.
 */
export interface LinkProbes {
  readonly ackedUs: Float64Array
  readonly earliestUs: Float64Array
  readonly latestUs: Float64Array
}

/** By origin × peer (see `linkIndex`); `first` are the first probes, joined. */
export function readProbeLags(run: RunData, first: ProbedWrites): readonly LinkProbes[] {
  const links = Array.from({ length: run.dcs.length ** 2 }, (): [number, number, number][] => [])
  for (const probes of probedWrites(run, first)) {
    for (let i = 0; i < probes.count; i++) {
      const state = probes.state[i]
      const told = state === PROBE_STATE.hit || state === PROBE_STATE.open
      if (!told || probes.phase[i] !== PHASE.measure || probes.outcome[i] !== OUTCOME.ok) continue
      const acked = probes.ackedUs[i]
      const miss = probes.missSentUs[i]
      const seen = state === PROBE_STATE.hit
      const earliest = seen ? Math.max(acked, Number.isNaN(miss) ? acked : miss) : Number.POSITIVE_INFINITY
      const latest = seen ? Math.max(acked, probes.hitReturnedUs[i]) : Number.POSITIVE_INFINITY
      links[linkIndex(run.dcs.length, originOf(probes, i), probes.peer[i])].push([acked, earliest, latest])
    }
  }
  return links.map((rows) => {
    rows.sort((a, b) => a[0] - b[0])
    const column = (at: 0 | 1 | 2) => Float64Array.from(rows, (row) => row[at])
    return { ackedUs: column(0), earliestUs: column(1), latestUs: column(2) }
  })
}
