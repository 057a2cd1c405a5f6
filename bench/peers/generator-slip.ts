// How late the generator fires an open loop, and what that costs, where no store is in the way.
import type { Gauge } from './comparison.ts'
import { Deployed, missingFor } from './deployed.ts'
import { noStore } from './generator-ground.ts'

const OPERATIONS_PER_SECOND = 10_000
const OPTIONS = noStore('single')

type Turn = Awaited<ReturnType<Deployed['turn']>>

function atTenThousand(own: Pick<Gauge, 'name' | 'unit' | 'target'>, of: (turn: Turn) => number): Gauge {
  return {
    ...own,
    what: 'open loop, 10,000 operations/s at random times, no store',
    missing: (registry) => missingFor(OPTIONS, registry),
    async open(order, cleanup) {
      const deployed = await Deployed.open(OPTIONS, order, cleanup)
      return async (durationMs) => of(await deployed.turn(durationMs, OPERATIONS_PER_SECOND))
    },
  }
}

export const generatorSlip: readonly Gauge[] = [
  atTenThousand({ name: 'slip-10k', unit: 'ms, p99', target: { bound: 0.5, is: 'most' } }, ({ facts }) =>
    Number(facts.slipP99Ms),
  ),
  atTenThousand(
    { name: 'slip-10k-cpu', unit: '% of one core, client', target: { bound: 25, is: 'most' } },
    ({ cpuSeconds, seconds }) => (100 * cpuSeconds) / seconds,
  ),
]
