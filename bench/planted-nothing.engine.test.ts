// Where nothing is planted nothing is found, whatever the seed: no write lost, no row mixed, resurrected or left apart, nothing
// out of order. GEOWRITE_PLANTED=all takes 200 seeds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError } from './contract/errors.ts'
import { randomStream } from './lib/random.ts'
import { findingsOf } from './planted-measures.fixture.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const ALL = process.env['GEOWRITE_PLANTED'] === 'all'
const FIRST_SEED = Number(process.env['GEOWRITE_SEED'] ?? 1)
const SEEDS = ALL ? 200 : 1

/** Everything that could make a measure see what is not there: conflicts, deletes, few keys, three DCs, clocks apart, a kept file. */
function optionsOf(seed: number): Readonly<Record<string, unknown>> {
  const random = randomStream(seed, 0x6e6f6e65)
  const pick = <T>(...from: readonly T[]): T => from[random.uint32() % from.length]
  const dcs = pick('us-east,eu-west', 'us-east,eu-west', 'us-east,eu-west,ap-south')
  const skewed = pick(undefined, undefined, 'eu-west=30ms', 'us-east=-80ms', 'eu-west=-15ms')
  return {
    driver: 'memory',
    dcs,
    rows: pick(200, 1000, 4000),
    overlap: pick(0, 0.2, 0.5, 1),
    skew: pick(0, 0.6, 0.99),
    deletes: pick(0, 0.1, 0.4),
    delay: pick('5ms', '20ms', '40ms'),
    mode: pick('batch', 'batch', 'single'),
    probes: pick<unknown>(200, 'all'),
    warmup: '200ms',
    duration: '1s',
    seed,
    set: pick('memory.durable=false', 'memory.durable=true', 'memory.delay=uniform(0ms,20ms)'),
    ...(skewed !== undefined && { 'skew-clock': skewed }),
  }
}

/** Share of the seeds. */
const MAY_NOT_RUN = 0.05

test(
  `nothing is found where nothing is planted: ${SEEDS} seeds from ${FIRST_SEED}`,
  { timeout: SEEDS * 30_000 },
  async (t) => {
    const found: string[] = []
    let notRun = 0
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const options = optionsOf(seed)
      const body = async ({ analysis }: FinishedRun) => {
        // Clocks that are apart do let earlier writes beat later ones: that is planted.
        const findings = findingsOf(analysis).filter(
          (text) => options['skew-clock'] === undefined || !text.startsWith('beaten_by_earlier'),
        )
        if (findings.length === 0) return
        found.push(`seed ${seed}: ${findings.join('; ')} ${JSON.stringify(options)}`)
        t.diagnostic(found[found.length - 1])
      }
      try {
        await withRun(options, 600, body)
      } catch (error) {
        // The harness refuses to measure over links that the machine cannot keep: that is said, and is no finding.
        if (!(error instanceof BenchError) || error.code !== 'LINK') throw error
        t.diagnostic(`seed ${seed} was not run: ${error.message}`)
        notRun++
      }
      if (seed % 10 === 0) t.diagnostic(`up to seed ${seed}: ${found.length} with a finding`)
    }
    assert.deepEqual(found, [])
    assert.ok(notRun <= MAY_NOT_RUN * SEEDS, `${notRun} were not run`)
  },
)
