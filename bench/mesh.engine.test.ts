// Three DCs with unequal links: every pair's lag follows its own link, all DCs converge, and nothing is sent or applied twice.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RUN_FILES, type RunFacts } from './contract/run-folder.ts'
import { OUTCOME } from './contract/outcome.ts'
import { readBlocks } from './lib/column-file.ts'
import { WRITES, WRITE_FLAG } from './lib/ledger-format.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const DCS = ['us-east', 'eu-west', 'ap-south']
const LINKS = [
  'us-east<>eu-west: 40ms',
  'us-east<>ap-south: 90ms',
  'eu-west>ap-south: 120ms',
  'ap-south>eu-west: 110ms',
]
const DELAYS_MS: Readonly<Record<string, number>> = {
  'us-east>eu-west': 40,
  'eu-west>us-east': 40,
  'us-east>ap-south': 90,
  'ap-south>us-east': 90,
  'eu-west>ap-south': 120,
  'ap-south>eu-west': 110,
}
/** What replication may add to a link's delay, and where others keep the machine's cores so busy that everything waits. */
const BEYOND_DELAY_MS_MAX = { calm: 10, crowded: 80 } as const
const ROWS_PER_SECOND = 900

const factsOf = (folder: string) => JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts

function assertMesh({ analysis, folder, value }: FinishedRun): RunFacts {
  assert.deepEqual(analysis.verdict.broken, [])
  assert.equal(value('divergent_rows'), 0)
  assert.equal(value('lost_writes'), 0)
  assert.ok((value('convergence') ?? 60) < 5)
  const facts = factsOf(folder)
  const crowded = (facts.pressure.cpuSomeShare ?? 0) > 0.85
  const beyondMs = crowded ? BEYOND_DELAY_MS_MAX.crowded : BEYOND_DELAY_MS_MAX.calm
  for (const [pair, delayMs] of Object.entries(DELAYS_MS)) {
    const [dc, peer] = pair.split('>')
    const lagMs = value('lag_p50', { dc, peer }) ?? NaN
    assert.ok(lagMs >= delayMs - 1 && lagMs <= delayMs + beyondMs, `${pair}: ${lagMs} of ${delayMs} ms`)
    const rttMs = value('rtt_p50', { dc, peer, phase: 'during' }) ?? NaN
    assert.ok(Math.abs(rttMs - delayMs - DELAYS_MS[`${peer}>${dc}`]) < beyondMs, `${pair}: RTT ${rttMs}`)
  }
  const pairs = DCS.flatMap((dc, d) => DCS.slice(d + 1).map((peer) => value('conflict_pairs', { dc, peer }) ?? NaN))
  assert.ok(pairs.every((perSecond) => perSecond > 0))
  const all = value('conflict_pairs') ?? NaN
  assert.ok(Math.abs(pairs.reduce((sum, one) => sum + one, 0) - all) < 0.01 * all)
  // Every link carries what its DC wrote, once; together that is N − 1 = 2 and the overhead of the protocol.
  const byLink = DCS.flatMap((dc) =>
    DCS.filter((peer) => peer !== dc).map((peer) => value('wan_bytes', { dc, peer }) ?? NaN),
  )
  const [least, most] = [Math.min(...byLink), Math.max(...byLink)]
  assert.ok(least > 1 / 3 - 0.05 && most < least * 1.35, byLink.join(' '))
  return facts
}

/** Rows that the stores acknowledged and stored, in all phases, as the ledger has them. */
function storedRows(folder: string): number {
  let stored = 0
  for (const name of readdirSync(join(folder, RUN_FILES.ledger)).filter((file) => file.startsWith('writes-'))) {
    for (const block of readBlocks(WRITES, join(folder, RUN_FILES.ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0 || (block.flags[i] & WRITE_FLAG.coalesced) !== 0) continue
        assert.equal(block.outcome[i], OUTCOME.ok)
        stored++
      }
    }
  }
  return stored
}

const sumOf = (own: Readonly<Record<string, number>>, ending: string) =>
  Object.entries(own)
    .filter(([name]) => name.endsWith(ending))
    .reduce((sum, [, count]) => sum + count, 0)

const MESH = { dcs: DCS, link: LINKS, rows: 2000, overlap: 0.3, duration: '4s', warmup: '500ms' }

test('lsm in three DCs: lags follow the links, and every row crosses each link once and is applied once', () =>
  withRun({ ...MESH, driver: 'lsm' }, ROWS_PER_SECOND, async (finished) => {
    const own = assertMesh(finished).counters?.own ?? {}
    const wan = finished.value('wan_bytes') ?? NaN
    assert.ok(wan > 1.9 && wan < 2.8, `${wan}`)
    const stored = storedRows(finished.folder)
    assert.ok(stored > 3000)
    assert.equal(sumOf(own, 'local_rows'), stored)
    assert.equal(sumOf(own, 'applied_rows') + sumOf(own, 'discarded_rows'), 2 * stored)
    assert.equal(sumOf(own, 'repeated_rows'), 0)
  }))

test('postgres in three DCs: lags follow the links, and what an applier wrote is not sent on', () =>
  withRun({ ...MESH, driver: 'postgres', replication: 'cdc' }, ROWS_PER_SECOND, async (finished) => {
    const own = assertMesh(finished).counters?.own ?? {}
    const wan = finished.value('wan_bytes') ?? NaN
    assert.ok(wan > 1.9 && wan < 4, `${wan}`)
    const stored = storedRows(finished.folder)
    assert.equal(own['pipeline_rows_received'], 2 * stored)
    assert.equal(own['pipeline_rows_skipped'], 0)
    assert.equal(sumOf(own, 'rows_applied') + sumOf(own, 'rows_older') + sumOf(own, 'rows_superseded'), 2 * stored)
  }))
