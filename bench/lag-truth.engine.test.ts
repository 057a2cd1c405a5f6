// Visibility lag against the truth: a program of its own polls the remote stores beside a run, and its brackets and the run's
// must agree for every probed write. GEOWRITE_LAG_TRUTH=all takes every system, and 20 s instead of 2.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { OUTCOME } from './contract/outcome.ts'
import { probesFile, RUN_FILES, type RunFacts } from './contract/run-folder.ts'
import { Pollers } from './lag-truth/poller.fixture.ts'
import type { DotChange, PollReport } from './lag-truth/poll.fixture.ts'
import { readBlocks } from './lib/column-file.ts'
import { dotDc } from './lib/dot.ts'
import { PROBES, PROBE_STATE, WRITES, WRITE_FLAG } from './lib/ledger-format.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const SEED = 20_261_126
const RATE = 300
const ALL = process.env['GEOWRITE_LAG_TRUTH'] === 'all'
const LIMIT = { timeout: 120_000 }
const SECONDS = ALL ? 20 : 2
/** Every key is written in one DC only, so that nothing hides an arrival from either of the two. */
const LOAD = {
  rows: 500,
  overlap: 0,
  skew: 0,
  probes: 'all',
  delay: '40ms',
  duration: `${SECONDS}s`,
  warmup: '500ms',
  seed: SEED,
}
/** Reading CLOCK_MONOTONIC in two processes, each rounded to a double of µs. */
const CLOCK_ERROR_US = 5
/** Were the run's brackets all moved by this, in either direction, one at least must disagree: else the comparison says nothing. */
const SHIFT_SHOWN_US = 10_000

interface Bracket {
  readonly lowUs: number
  readonly highUs: number
}

const middle = ({ lowUs, highUs }: Bracket): number => (lowUs + highUs) / 2

/** When a write was seen to be there: the first change of its key to its dot, or a later one of its DC. */
function truthOf(changes: readonly DotChange[] | undefined, dot: number): Bracket | undefined {
  const change = changes?.find((candidate) => dotDc(candidate.dot) === dotDc(dot) && candidate.dot >= dot)
  return change && { lowUs: change.missSentUs, highUs: change.hitReturnedUs }
}

const SYSTEMS: readonly (readonly [driver: string, replication?: string])[] = [
  ['postgres', 'cdc'],
  ['lsm'],
  ...(ALL ? ([['postgres', 'native']] as const) : []),
]

/** What run and program say of one write in one DC. */
interface Comparison {
  readonly dc: string
  readonly dot: number
  readonly found: Bracket
  readonly truth: Bracket
}

/** Every probe of the run beside what the program saw. */
function* comparisons(folder: string, reports: ReadonlyMap<string, PollReport>): Generator<Comparison> {
  const { epoch } = JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts
  for (const [dc, { changes }] of reports) {
    const byKey = Map.groupBy(changes, ({ key }) => key)
    for (const block of readBlocks(PROBES, join(folder, RUN_FILES.ledger, probesFile(dc)))) {
      for (let i = 0; i < block.rows; i++) {
        const dot = block.dot[i]
        if (dot === 0) continue
        assert.equal(block.state[i], PROBE_STATE.hit, `the probe of dot ${dot} in ${dc} was no hit; seed ${SEED}`)
        // Without a miss the bracket begins at the send.
        const lowUs = Number.isNaN(block.missSentUs[i]) ? block.sentUs[i] : block.missSentUs[i]
        const found = { lowUs: lowUs + epoch.monotonicUs, highUs: block.hitReturnedUs[i] + epoch.monotonicUs }
        const truth = truthOf(byKey.get(block.key[i]), dot)
        assert.ok(truth, `the program never saw dot ${dot} in ${dc}; seed ${SEED}`)
        yield { dc, dot, found, truth }
      }
    }
  }
}

/** How many stored acknowledged writes the ledger says were probed. */
function probedWrites(folder: string): number {
  let count = 0
  for (const name of readdirSync(join(folder, RUN_FILES.ledger)).filter((file) => file.startsWith('writes-'))) {
    for (const { rows, flags, outcome } of readBlocks(WRITES, join(folder, RUN_FILES.ledger, name))) {
      for (let i = 0; i < rows; i++) if (outcome[i] === OUTCOME.ok && (flags[i] & WRITE_FLAG.probed) !== 0) count++
    }
  }
  return count
}

const ms = (us: number): string => (us / 1000).toFixed(2)

function quantilesMs(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  return [0.01, 0.5, 0.99].map((share) => ms(sorted[Math.floor((sorted.length - 1) * share)])).join(' / ')
}

for (const [driver, replication] of SYSTEMS) {
  const options = { ...LOAD, driver, ...(replication === undefined ? {} : { replication }) }
  const system = [driver, replication].filter((part) => part !== undefined).join(' ')
  test(`every write of ${system} became visible when a program of its own saw it appear`, LIMIT, async (t) => {
    using pollers = new Pollers()
    const judge = async ({ folder }: FinishedRun) => {
      const reports = await pollers.end()
      const compared = [...comparisons(folder, reports)]
      const wrong = compared.filter(
        ({ found, truth }) =>
          found.lowUs > truth.highUs + CLOCK_ERROR_US || truth.lowUs > found.highUs + CLOCK_ERROR_US,
      )
      assert.deepEqual(wrong, [], `brackets that cannot both be right; seed ${SEED}`)
      assert.equal(compared.length, probedWrites(folder))
      assert.ok(compared.length > (RATE * SECONDS) / 2, `${compared.length} writes compared`)

      const earlierUs = Math.min(...compared.map(({ found, truth }) => found.highUs - truth.lowUs))
      const laterUs = Math.min(...compared.map(({ found, truth }) => truth.highUs - found.lowUs))
      const reads = [...reports.values()].map((report) => report.reads).join(' and ')
      t.diagnostic(`${compared.length} writes; ${reads} reads of the whole table by the programs`)
      for (const [what, values] of [
        ['middles apart, run − program', compared.map(({ found, truth }) => middle(found) - middle(truth))],
        ['width of the run’s brackets', compared.map(({ found }) => found.highUs - found.lowUs)],
        ['width of the programs’ brackets', compared.map(({ truth }) => truth.highUs - truth.lowUs)],
      ] as const)
        t.diagnostic(`${what}: ${quantilesMs(values)} ms (p1 / p50 / p99)`)
      t.diagnostic(`lags too short by ${ms(earlierUs)} ms or too long by ${ms(laterUs)} ms would have been seen`)
      assert.ok(Math.max(earlierUs, laterUs) < SHIFT_SHOWN_US, 'the comparison is too coarse to say anything')
    }
    await withRun(options, RATE, judge, (run) => pollers.start(run, driver))
  })
}
