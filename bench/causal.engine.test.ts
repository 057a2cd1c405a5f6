// Turns on real engines: writes over what was seen are never concurrent, and no conflict is found where there is none.
// GEOWRITE_CAUSAL=all asks every system; else one, and three DCs.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figureOf } from './contract/analysis.ts'
import { OUTCOME } from './contract/outcome.ts'
import { RUN_FILES } from './contract/run-folder.ts'
import { readBlocks } from './lib/column-file.ts'
import { dotDc, PHASE } from './lib/dot.ts'
import { WRITES, WRITE_FLAG } from './lib/ledger-format.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const SEED = 20261124
/** A third of the rows goes round in the measured phase: at 2,000 rows/s in each DC a row comes to the other one after a second. */
const LOAD = { workload: 'causal', rows: 12_000, duration: '3s', delay: '40ms', seed: SEED }
const RATE = 4000

interface Write {
  readonly dot: number
  readonly version: number
  readonly sentUs: number
}

/** Acknowledged writes of the measured phase by key, as they were sent, and how many rows were declined. */
function writesOf(folder: string): { readonly byKey: ReadonlyMap<number, Write[]>; readonly declined: number } {
  const byKey = new Map<number, Write[]>()
  let declined = 0
  for (const name of readdirSync(join(folder, RUN_FILES.ledger)).filter((file) => file.startsWith('writes-'))) {
    for (const block of readBlocks(WRITES, join(folder, RUN_FILES.ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0 || block.phase[i] !== PHASE.measure) continue
        if ((block.flags[i] & WRITE_FLAG.declined) !== 0) {
          assert.equal(block.outcome[i], OUTCOME.fail)
          declined++
          continue
        }
        assert.equal(block.flags[i] & WRITE_FLAG.coalesced, 0)
        assert.equal(block.outcome[i], OUTCOME.ok)
        const sentUs = block.intendedUs[i] + block.sentAfterUs[i]
        const write = { dot: block.dot[i], version: block.version[i], sentUs }
        byKey.set(block.key[i], [...(byKey.get(block.key[i]) ?? []), write])
      }
    }
  }
  for (const writes of byKey.values()) writes.sort((a, b) => a.sentUs - b.sentUs)
  return { byKey, declined }
}

/** Each write of a key is by the next DC, is sent after the one before it, and has a higher version. */
function assertTurns({ folder }: FinishedRun, dcCount: number): { readonly writes: number; readonly declined: number } {
  const { byKey, declined } = writesOf(folder)
  let follow = 0
  let writes = 0
  for (const [key, turns] of byKey) {
    writes += turns.length
    for (let i = 1; i < turns.length; i++, follow++) {
      const [before, after] = [turns[i - 1], turns[i]]
      assert.equal(dotDc(after.dot), (dotDc(before.dot) + 1) % dcCount, `key ${key}`)
      // The acknowledgement may come back later than the row is seen in another DC, never the send.
      assert.ok(before.sentUs < after.sentUs && before.version < after.version, `key ${key}`)
    }
  }
  assert.ok(follow > byKey.size, `${follow} writes of ${byKey.size} rows follow another`)
  return { writes, declined }
}

const everySystem = [
  { driver: 'lsm' },
  { driver: 'postgres', replication: 'native' },
  { driver: 'memory' },
  { driver: 'postgres', replication: 'cdc' },
]
const systems = process.env['GEOWRITE_CAUSAL'] === 'all' ? everySystem : everySystem.slice(0, 1)

for (const system of systems) {
  const name = Object.values(system).join(' ')
  test(`${name}: where DCs take turns, no write is concurrent with another, and the bounds of conflicts are 0 to 0`, (t) =>
    withRun({ ...LOAD, ...system }, RATE, async (finished) => {
      t.diagnostic(`seed ${SEED}`)
      const { writes, declined } = assertTurns(finished, 2)
      t.diagnostic(`${writes} writes, ${declined} declined, the store reports ${finished.value('conflicts_reported')}`)
      assert.ok(declined < 0.05 * writes, `${declined} of ${writes} declined`)
      const { value, low, high } = figureOf(finished.analysis.metrics, 'conflict_share')
      assert.deepEqual([low, value, high], [0, 0, 0])
      assert.equal(figureOf(finished.analysis.metrics, 'lost_updates').high, 0)
      assert.equal(finished.value('divergent_rows'), 0)
      assert.equal(finished.value('lost_writes'), 0)
      assert.deepEqual(finished.analysis.verdict.broken, [])
      assert.ok((finished.value('conflict_share_predicted') ?? 0) > 0)
      assert.ok(!finished.analysis.verdict.warnings.some((warning) => warning.includes('independent writers')))
    }))
}

test('three DCs take turns too, and rows that come round sooner than they replicate are declined, never in conflict', (t) =>
  withRun(
    { ...LOAD, driver: 'memory', rows: 300, causality: 'exact', dcs: 'us-east,eu-west,ap-south' },
    3000,
    async (finished) => {
      t.diagnostic(`seed ${SEED}`)
      const { writes, declined } = assertTurns(finished, 3)
      // 100 rows at 1,000 rows/s in each DC come to the next one after 33 ms, and the WAN takes 40.
      assert.ok(declined > writes, `${declined} declined, ${writes} written`)
      // Probes alone cannot tell the order of what follows so closely; vectors can.
      assert.equal(finished.analysis.conflictBasis, 'exact')
      assert.equal(finished.value('conflict_share'), 0)
      assert.equal(finished.value('lost_updates'), 0)
      assert.equal(finished.value('divergent_rows'), 0)
    },
  ))
