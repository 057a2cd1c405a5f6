// How a workload's operations spread over its keys, counted on the very stream that a run with the same seed would send.
import type { Workload, WorkloadOptions } from '../contract/workload.ts'
import { PHASE } from '../lib/dot.ts'

const OPERATIONS_EACH_DC = 200_000
const BLOCK = 10_000
/** Busiest keys whose share of the operations is told. */
const TOPS = [1, 10, 100, 1000, 10_000, 100_000]

/** One DC's stream; shares are of its own operations. */
interface DcSkew {
  readonly dc: string
  /** Different keys among the counted operations. */
  readonly keys: number
  /** Operations on the `keys` busiest keys. */
  readonly top: readonly { readonly keys: number; readonly share: number }[]
}

export interface KeySkew {
  readonly seed: number
  readonly operationsEachDc: number
  readonly dcs: readonly DcSkew[]
  /** Over all DCs. */
  readonly keys: number
  /** Keys that more than one DC wrote, the only ones that can conflict, and the operations on them. */
  readonly shared: { readonly keys: number; readonly keyShare: number; readonly operationShare: number }
}

export interface SkewPlan {
  readonly options: WorkloadOptions
  readonly seed: number
  readonly dcs: readonly string[]
}

/** Operations by key of one DC's measured phase, from its start. */
function countKeys(workload: Workload, { options, seed, dcs }: SkewPlan, dcIndex: number): Map<number, number> {
  const stream = workload.stream({ options, seed, dcIndex, dcCount: dcs.length, phase: PHASE.measure })
  const keys = new Float64Array(BLOCK)
  const operations = new Uint8Array(BLOCK)
  const counts = new Map<number, number>()
  for (let done = 0; done < OPERATIONS_EACH_DC; done += BLOCK) {
    stream.next(BLOCK, keys, operations)
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

function topShares(counts: Iterable<number>): DcSkew['top'] {
  const sorted = Float64Array.from(counts).sort().toReversed()
  const cumulative: number[] = []
  sorted.reduce((sum, count, i) => (cumulative[i] = sum + count), 0)
  const sizes = [...TOPS.filter((keys) => keys < sorted.length), sorted.length]
  return sizes.map((keys) => ({ keys, share: cumulative[keys - 1] / OPERATIONS_EACH_DC }))
}

export function keySkew(workload: Workload, plan: SkewPlan): KeySkew {
  const byDc = plan.dcs.map((_, dcIndex) => countKeys(workload, plan, dcIndex))
  const writers = new Map<number, number>()
  for (const counts of byDc) for (const key of counts.keys()) writers.set(key, (writers.get(key) ?? 0) + 1)
  let sharedOperations = 0
  for (const counts of byDc) {
    for (const [key, count] of counts) if ((writers.get(key) ?? 0) > 1) sharedOperations += count
  }
  const sharedKeys = [...writers.values()].filter((dcs) => dcs > 1).length
  return {
    seed: plan.seed,
    operationsEachDc: OPERATIONS_EACH_DC,
    dcs: byDc.map((counts, i) => ({ dc: plan.dcs[i], keys: counts.size, top: topShares(counts.values()) })),
    keys: writers.size,
    shared: {
      keys: sharedKeys,
      keyShare: sharedKeys / writers.size,
      operationShare: sharedOperations / (OPERATIONS_EACH_DC * plan.dcs.length),
    },
  }
}
