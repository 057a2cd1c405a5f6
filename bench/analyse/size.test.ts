// The analysis of a large ledger: bounded memory, and time that grows as the rows do. GEOWRITE_LEDGER_ROWS=5000000,50000000
// (any numbers of rows) is the long form; CPU time is judged, since other work of the machine does not count in it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { scratchFolder } from './planted.fixture.ts'
import { writeSyntheticLedger } from './synthetic-ledger.fixture.ts'

const LONG = process.env['GEOWRITE_LEDGER_ROWS']
const SIZES = (LONG ?? '500000,1000000').split(',').map(Number)
const RESIDENT_MIB_MAX = LONG === undefined ? 450 : 1024
const TOLERANCE = 0.25
const SEED = 20261124

interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly residentMiB: number
  readonly conflictShare: number
}

/** What the analysis of a ledger of `rows` rows costs, in a process of its own. */
async function costOf(rows: number): Promise<Cost> {
  using folder = scratchFolder()
  writeSyntheticLedger(folder.path, rows, SEED)
  const child = join(import.meta.dirname, 'analyse-child.fixture.ts')
  const heap = ['--max-old-space-size=512', child, folder.path]
  const { stdout } = await promisify(execFile)(process.execPath, heap, { timeout: 1_200_000 })
  return JSON.parse(stdout) as Cost
}

test(
  `ledgers of ${SIZES.join(', ')} rows are analysed in at most ${RESIDENT_MIB_MAX} MiB and in time that grows as they do`,
  { timeout: LONG === undefined ? 120_000 : 3_600_000 },
  async (t) => {
    t.diagnostic(`seed ${SEED}`)
    const secondsARow: number[] = []
    for (const rows of SIZES) {
      const { seconds, cpuSeconds, residentMiB, conflictShare } = await costOf(rows)
      secondsARow.push(cpuSeconds / rows)
      t.diagnostic(
        `${rows} rows: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU-s, ${Math.round(rows / cpuSeconds)} rows per CPU-s, ${residentMiB.toFixed(0)} MiB, ${(conflictShare * 100).toFixed(2)} % in conflict`,
      )
      assert.ok(conflictShare > 0.05)
      assert.ok(residentMiB <= RESIDENT_MIB_MAX, `${residentMiB} MiB for ${rows} rows`)
      const ratio = secondsARow[secondsARow.length - 1] / secondsARow[0]
      // What is spent once weighs on a row of a small ledger only: less for a row of a large one is no fault.
      assert.ok(ratio <= 1 + TOLERANCE, `a row of ${rows} takes ${ratio} times as long as one of ${SIZES[0]}`)
    }
  },
)
