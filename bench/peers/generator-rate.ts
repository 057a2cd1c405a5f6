// How many rows the generator makes, sends, records in the ledger and counts in histograms with a second of CPU, where no store
// takes any of it.
import type { Gauge } from './comparison.ts'
import { Deployed, missingFor } from './deployed.ts'
import { noStore } from './generator-ground.ts'

/** Some five million rows a second leave 250 MB of ledger: longer turns would fill disks and say nothing more. */
const TURN_MS_MAX = 4000

function rowsPerCpuSecond(mode: 'batch' | 'single', name: string, what: string, bound: number): Gauge {
  const options = noStore(mode)
  return {
    name,
    what: `no store, ledger to disk, histograms: ${what}`,
    unit: 'rows per client CPU-second',
    target: { bound, is: 'least' },
    missing: (registry) => missingFor(options, registry),
    async open(order, cleanup) {
      const { side } = await Deployed.open(options, order, cleanup)
      return async (durationMs) => {
        const { amount, cpuSeconds } = await side.turn(Math.min(durationMs, TURN_MS_MAX))
        return amount / cpuSeconds
      }
    },
  }
}

export const generatorRates: readonly Gauge[] = [
  rowsPerCpuSecond('batch', 'generator-batched', 'batches of 500, 8 under way', 5_000_000),
  rowsPerCpuSecond('single', 'generator-single', 'rows one by one, 64 under way', 1_000_000),
]
