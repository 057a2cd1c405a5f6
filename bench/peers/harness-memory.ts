// Whether the harness takes more memory the longer it runs and the more rows there are.
import type { Gauge } from './comparison.ts'
import { missingFor, type SystemOptions } from './deployed.ts'
import { OwnRuns } from './own-run.ts'

/** Shorter runs end before the collector of garbage has settled. */
const SHORT_MS_MAX = 4000
const SHORT_ROWS = 100_000
const TIMES = 10

const OPTIONS: SystemOptions = { workload: 'profiles', driver: 'memory', rate: '10000', warmup: '2s' }

export const harnessMemory: Gauge = {
  name: 'harness-memory',
  what: `largest resident size of a run ${TIMES} times as long, with ${TIMES} times the rows, over that of a short one`,
  unit: 'times',
  target: { bound: 1.1, is: 'most' },
  missing: (registry) => missingFor(OPTIONS, registry),
  async open(order) {
    const runs = new OwnRuns(order)
    const residentBytes = async (times: number, shortMs: number): Promise<number> => {
      const { clientResidentBytes } = await runs.run({
        ...OPTIONS,
        rows: String(times * SHORT_ROWS),
        duration: `${times * shortMs}ms`,
      })
      order.progress.note(`${Math.round(clientResidentBytes / 1e6)} MB with ${times * SHORT_ROWS} rows`)
      return clientResidentBytes
    }
    return async (durationMs) => {
      const shortMs = Math.max(1000, Math.min(durationMs, SHORT_MS_MAX))
      const short = await residentBytes(1, shortMs)
      return (await residentBytes(TIMES, shortMs)) / short
    }
  },
}
