// How much longer than the way itself a write takes to be visible in the other DC, at the load that a run chooses by default: 60 % of
// what the system can do.
import type { Gauge } from './comparison.ts'
import { missingFor, type SystemOptions } from './deployed.ts'
import { OwnRuns } from './own-run.ts'

const OPTIONS: SystemOptions = { workload: 'profiles', driver: 'postgres', replication: 'cdc', rows: '200k' }

/** One percentile of the lag over all DC pairs, over the links' one-way delay; `bound` in ms. */
function lagBeyondTheWay(percentile: 'p50' | 'p99', bound: number): Gauge {
  return {
    name: `postgres-lag-${percentile}`,
    what: `Postgres, cdc, 60 % load: visibility lag, ${percentile}, over the one-way delay`,
    unit: 'ms',
    target: { bound, is: 'most' },
    missing: (registry) => missingFor(OPTIONS, registry),
    async open(order) {
      const runs = new OwnRuns(order)
      return async (durationMs) => {
        const { analysis } = await runs.run({ ...OPTIONS, duration: `${Math.max(1000, durationMs)}ms` })
        const { links, metrics, rowsPerSecond } = analysis
        const lag = metrics.find(
          ({ dc, phase, metric }) => dc === '' && phase === 'measure' && metric === `lag_${percentile}`,
        )
        if (lag?.value == null) throw new TypeError('a run without lags')
        order.progress.note(`${lag.value.toFixed(1)} ms at ${rowsPerSecond} rows/s`)
        return lag.value - Math.max(...links.map(({ delayMs }) => delayMs))
      }
    },
  }
}

export const postgresLag: readonly Gauge[] = [lagBeyondTheWay('p50', 5), lagBeyondTheWay('p99', 25)]
