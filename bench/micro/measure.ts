// Measures micro cases beside a reference loop in the same process, so that figures of different machines can be compared.
import { Bench } from 'tinybench'
import type { MicroCase } from './micro-case.ts'

const REFERENCE_STEPS = 20_000
const REFERENCE_WORDS = 1 << 12

const words = new Uint32Array(REFERENCE_WORDS)

/**
 * The unit of the ratios: integer hashing (a round of xorshift and a multiplication) of a table of 16 KiB, which fits the first
 * cache of any processor. One step is one round.
 */
export const REFERENCE: MicroCase = {
  name: 'reference loop',
  rows: REFERENCE_STEPS,
  run() {
    let state = 0x9e3779b9
    for (let step = 0; step < REFERENCE_STEPS; step++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const at = state & (REFERENCE_WORDS - 1)
      words[at] = Math.imul(words[at] ^ state, 0x85ebca6b)
    }
  },
}

export interface MicroFigure {
  readonly name: string
  /** Median time a row. */
  readonly nanosecondsPerRow: number
  readonly rowsPerSecond: number
  /** Steps of the reference loop in the time of one row: medians, and the quartiles of the case over the median of the loop. */
  readonly steps: number
  readonly stepsLow: number
  readonly stepsHigh: number
  readonly samples: number
}

/** Runs every case for about `milliseconds` after a fifth of it to warm up. Throws what a case throws. */
export async function measureCases(cases: readonly MicroCase[], milliseconds: number): Promise<readonly MicroFigure[]> {
  const bench = new Bench({
    time: milliseconds,
    warmupTime: milliseconds / 5,
    iterations: 5,
    retainSamples: true,
    throws: true,
  })
  for (const { name, run } of [REFERENCE, ...cases]) bench.add(name, run)
  const tasks = await bench.run()
  const perRowMs = tasks.map(({ result }, i) => {
    if (!('latency' in result)) throw new Error(`${tasks[i].name} was not measured`)
    const { p50, p75, samples = [], samplesCount } = result.latency
    const rows = [REFERENCE, ...cases][i].rows
    const sorted = [...samples].sort((a, b) => a - b)
    const p25 = sorted[Math.floor(sorted.length / 4)]
    return { p25: p25 / rows, p50: p50 / rows, p75: p75 / rows, count: samplesCount }
  })
  const [reference, ...others] = perRowMs
  return others.map(({ p25, p50, p75, count }, i) => ({
    name: cases[i].name,
    nanosecondsPerRow: p50 * 1e6,
    rowsPerSecond: 1000 / p50,
    steps: p50 / reference.p50,
    stepsLow: p25 / reference.p50,
    stepsHigh: p75 / reference.p50,
    samples: count,
  }))
}
