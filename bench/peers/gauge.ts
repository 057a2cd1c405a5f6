// Takes a gauge: the same measurement several times, its median held against a number.
import type { ContestOrder, Gauge } from './comparison.ts'
import { inFolderOfItsOwn, type Turns } from './compare.ts'
import { medianInterval } from './ratio.ts'

/** One gauge as it came out. */
export interface Reading extends Pick<Gauge, 'name' | 'what' | 'unit' | 'target'> {
  /** null where it is only reported, or nothing was measured. */
  readonly holds: boolean | null
  /** null where nothing was measured; `missing` then says why. */
  readonly measured: Figure | null
  readonly missing?: string
}

interface Figure {
  /** The median, in the gauge's unit, with bounds of the true median that hold with probability `confidence`. */
  readonly figure: number
  readonly low: number
  readonly high: number
  /** 0 … 1. */
  readonly confidence: number
  readonly values: readonly number[]
}

/** What values of a gauge say. */
export function readingOf({ name, what, unit, target }: Gauge, values: readonly number[]): Reading {
  const { ratio: figure, low, high, confidence } = medianInterval(values)
  const holds = target === null ? null : target.is === 'least' ? figure >= target.bound : figure <= target.bound
  return { name, what, unit, target, holds, measured: { figure, low, high, confidence, values } }
}

/** How far a value is on the good side of the target: 1 is on it, above 1 is better; null without a target. */
export function headroom({ target }: Pick<Gauge, 'target'>, value: number): number | null {
  if (target === null) return null
  return target.is === 'least' ? value / target.bound : target.bound / value
}

/** Measures `turns.pairs` times after one that does not count. */
export async function takeGauge(
  gauge: Gauge,
  turns: Turns,
  where: Omit<ContestOrder, 'folder' | 'guardian'>,
): Promise<Reading> {
  const { name, what, unit, target } = gauge
  const missing = await gauge.missing(where.registry)
  if (missing !== undefined) return { name, what, unit, target, missing, holds: null, measured: null }
  return inFolderOfItsOwn(where, async (order, cleanup) => {
    const measure = await gauge.open(order, cleanup)
    const values: number[] = []
    for (let turn = turns.warmupPairs === 0 ? 1 : 0; turn <= turns.pairs; turn++) {
      where.signal.throwIfAborted()
      where.progress.step(`${name}: ${turn === 0 ? 'warming up' : `${turn} of ${turns.pairs}`}`)
      const value = await measure(turns.durationMs)
      if (turn > 0) values.push(value)
    }
    return readingOf(gauge, values)
  })
}
