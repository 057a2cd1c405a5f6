// The conflict share that independent writers must have, predicted from the operations and the lags, against what is measured on
// real engines. GEOWRITE_PREDICTION=all goes through the whole grid and prints it as a table.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { PREDICTION_TOLERANCE } from './analyse/audit-table.ts'
import { figureOf } from './contract/analysis.ts'
import { withRun } from './run.fixture.ts'

const ALL = process.env['GEOWRITE_PREDICTION'] === 'all'
const SEED = 20261124

interface Point {
  readonly driver: string
  readonly rate: number
  readonly rows: number
  readonly skew: number
  readonly overlap: number
  readonly delay: number
}

function grid(driver: string, skews: readonly number[], loads: readonly (readonly [number, number])[]): Point[] {
  return loads.flatMap(([rate, rows]) =>
    skews.flatMap((skew) =>
      [0.2, 1].flatMap((overlap) => [10, 40].map((delay) => ({ driver, rate, rows, skew, overlap, delay }))),
    ),
  )
}

const POINTS: readonly Point[] = ALL
  ? [
      ...grid(
        'memory',
        [0, 0.8, 0.99],
        [
          [1000, 1000],
          [3000, 5000],
        ],
      ),
      ...grid('lsm', [0, 0.9], [[1500, 2000]]),
      ...grid('postgres', [0, 0.9], [[1000, 1500]]),
    ]
  : [
      { driver: 'memory', rate: 2000, rows: 1000, skew: 0.8, overlap: 0.5, delay: 20 },
      { driver: 'lsm', rate: 1500, rows: 1500, skew: 0, overlap: 1, delay: 30 },
    ]

async function judge(point: Point, t: TestContext): Promise<void> {
  const { driver, rate, rows, skew, overlap, delay } = point
  const options = { driver, rows, skew, overlap, delay: `${delay}ms`, seed: SEED, duration: ALL ? '8s' : '4s' }
  await withRun(options, rate, async ({ analysis, value }) => {
    const share = figureOf(analysis.metrics, 'conflict_share')
    const predicted = figureOf(analysis.metrics, 'conflict_share_predicted')
    const error = value('conflict_share_sampling_error') ?? Number.NaN
    const [measured, expected] = [share.value ?? Number.NaN, predicted.value ?? Number.NaN]
    const beyond = Math.max(0, Math.abs(measured - expected) - error) / expected
    const percent = (part: number | null) => ((part ?? Number.NaN) * 100).toFixed(2)
    t.diagnostic(
      `| ${driver} | ${rate} | ${rows} | ${skew} | ${overlap} | ${delay} ms | ${percent(measured)} [${percent(share.low)} … ${percent(share.high)}] ± ${percent(error)} | ${percent(expected)} | ${percent(measured / expected - 1)} | ${percent(beyond)} |`,
    )
    assert.ok(measured > error, 'a point with a sampling error as large as its share says nothing')
    assert.ok(
      beyond <= PREDICTION_TOLERANCE,
      `${percent(measured)} % measured, ${percent(expected)} % predicted: ${percent(beyond)} % apart beyond sampling error`,
    )
    const warnings = analysis.verdict.warnings.filter((warning) => warning.includes('independent writers'))
    assert.deepEqual(warnings, [])
  })
}

for (const point of POINTS) {
  const { driver, rate, rows, skew, overlap, delay } = point
  test(
    `${driver}: ${rate} rows/s over ${rows} keys, skew ${skew}, overlap ${overlap}, ${delay} ms: conflicts are as predicted`,
    { timeout: 120_000 },
    async (t) => {
      t.diagnostic(`seed ${SEED}`)
      await judge(point, t)
    },
  )
}
