// Lost updates as a sum: what counters hold at the end, and the chains of what replaced what, are read here apart from the
// analysis, and must say the same as each other and as the run. GEOWRITE_CAUSAL=all asks every system that can.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { OUTCOME } from './contract/outcome.ts'
import { countsFile, finalFile, RUN_FILES } from './contract/run-folder.ts'
import { readBlocks } from './lib/column-file.ts'
import { CAUSES, COUNTS, FINAL, WRITES, WRITE_FLAG } from './lib/ledger-format.ts'
import { withRun, type FinishedRun } from './run.fixture.ts'

const SEED = 20261124
const DCS = ['us-east', 'eu-west'] as const
const LOAD = {
  workload: 'counter',
  rows: 1000,
  skew: 0.99,
  causality: 'exact',
  duration: '3s',
  delay: '40ms',
  seed: SEED,
}
const RATE = 3000
/** What a counter holds after the load. */
const LOADED = 1

interface Increment {
  readonly key: number
  readonly dot: number
  /** Increments that are stored in it: its own, and those of its batch that were added to it. */
  readonly adds: number
}

function filesOf(folder: string, prefix: string): string[] {
  const names = readdirSync(join(folder, RUN_FILES.ledger)).filter((name) => name.startsWith(prefix))
  assert.ok(names.length > 0, `no ${prefix} files`)
  return names.map((name) => join(folder, RUN_FILES.ledger, name))
}

/** Stored increments of the whole run; a coalesced one stands before the stored one of its key in the order of its writer. */
function incrementsOf(folder: string): Increment[] {
  const stored: Increment[] = []
  for (const path of filesOf(folder, 'writes-')) {
    const waiting = new Map<number, number>()
    const rows: { key: number; dot: number; coalesced: boolean }[] = []
    for (const block of readBlocks(WRITES, path)) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0) continue
        assert.equal(block.outcome[i], OUTCOME.ok)
        rows.push({
          key: block.key[i],
          dot: block.dot[i],
          coalesced: (block.flags[i] & WRITE_FLAG.coalesced) !== 0,
        })
      }
    }
    for (const { key, dot, coalesced } of rows.toSorted((a, b) => a.dot - b.dot)) {
      const adds = (waiting.get(key) ?? 0) + 1
      waiting.set(key, coalesced ? adds : 0)
      if (!coalesced) stored.push({ key, dot, adds })
    }
  }
  return stored
}

/** By key, from one DC's file. */
function finalDots(folder: string, dc: string): Map<number, number> {
  const dots = new Map<number, number>()
  for (const block of readBlocks(FINAL, join(folder, RUN_FILES.ledger, finalFile(dc))))
    for (let i = 0; i < block.rows; i++) if (block.state[i] !== 0) dots.set(block.key[i], block.dot[i])
  return dots
}

function finalSums(folder: string, dc: string): Map<number, number> {
  const sums = new Map<number, number>()
  for (const block of readBlocks(COUNTS, join(folder, RUN_FILES.ledger, countsFile(dc))))
    for (let i = 0; i < block.rows; i++) if (block.value[i] !== 0) sums.set(block.key[i], block.value[i])
  return sums
}

/** What is missing in the sums of one DC, by key. */
function missingInSums(increments: readonly Increment[], sums: ReadonlyMap<number, number>): Map<number, number> {
  const missing = new Map<number, number>()
  for (const { key, adds } of increments) {
    missing.set(key, (missing.get(key) ?? LOADED - (sums.get(key) ?? Number.NaN)) + adds)
  }
  return missing
}

/** What is not reached from one DC's final rows along what replaced what, by key. */
function missingInChains(folder: string, increments: readonly Increment[], finals: ReadonlyMap<number, number>) {
  const replaced = new Map<number, number>()
  for (const path of filesOf(folder, 'causes-')) {
    for (const block of readBlocks(CAUSES, path))
      for (let i = 0; i < block.rows; i++) if (block.dot[i] !== 0) replaced.set(block.dot[i], block.overwrote[i])
  }
  assert.equal(replaced.size, increments.length)
  const reached = new Set<number>()
  for (const dot of finals.values()) {
    for (let at: number | undefined = dot; at !== undefined && at !== 0; at = replaced.get(at)) reached.add(at)
  }
  const missing = new Map<number, number>()
  for (const { key, dot, adds } of increments) missing.set(key, (missing.get(key) ?? 0) + (reached.has(dot) ? 0 : adds))
  return missing
}

const total = (byKey: ReadonlyMap<number, number>) => [...byKey.values()].reduce((sum, value) => sum + value, 0)

/** The sums that PostgreSQL itself holds, through a client of the test's own. */
async function sumInPostgres({ run }: FinishedRun, dc: string): Promise<number> {
  const { endpoints, plan } = run.stores
  const client = new pg.Client({
    ...endpoints[dc]['sql'],
    user: 'geowrite',
    password: plan.secret,
    database: 'postgres',
  })
  await client.connect()
  try {
    const { rows } = await client.query<{ sum: string }>(`SELECT sum(count) AS sum FROM ${plan.table.name}`)
    return Number(rows[0].sum)
  } finally {
    await client.end()
  }
}

const everySystem = [{ driver: 'memory' }, { driver: 'lsm' }, { driver: 'postgres', replication: 'cdc' }]
const systems = process.env['GEOWRITE_CAUSAL'] === 'all' ? everySystem : everySystem.slice(0, 1)

for (const system of systems) {
  const name = Object.values(system).join(' ')
  test(`${name}: what is missing in the counters is what the chains do not reach, key by key, and what the run calls lost`, (t) =>
    withRun({ ...LOAD, ...system, overlap: 0.5 }, RATE, async (finished) => {
      t.diagnostic(`seed ${SEED}`)
      const { folder, value } = finished
      const increments = incrementsOf(folder)
      for (const dc of DCS) {
        const sums = finalSums(folder, dc)
        const missing = missingInSums(increments, sums)
        assert.deepEqual(missing, missingInChains(folder, increments, finalDots(folder, dc)))
        t.diagnostic(
          `${dc}: ${total(missing)} of ${total(new Map(increments.map((one) => [one.dot, one.adds])))} missing`,
        )
        assert.ok(total(missing) > 100)
        assert.equal(value('lost_updates', { phase: 'run' }), total(missing))
        assert.equal(value('lost_updates_by_chains', { phase: 'run' }), total(missing))
        if (system.driver === 'postgres') {
          const untouched = LOAD.rows - sums.size
          assert.equal(await sumInPostgres(finished, dc), total(sums) + untouched * LOADED)
        }
      }
    }))

  test(`${name}: counters that one DC increments miss nothing`, (t) =>
    withRun({ ...LOAD, ...system, overlap: 0, duration: '2s' }, RATE, async ({ folder, value }) => {
      t.diagnostic(`seed ${SEED}`)
      const increments = incrementsOf(folder)
      assert.ok(
        increments.some(({ adds }) => adds > 1),
        'nothing was coalesced',
      )
      for (const dc of DCS) assert.equal(total(missingInSums(increments, finalSums(folder, dc))), 0)
      assert.equal(value('lost_updates', { phase: 'run' }), 0)
      assert.equal(value('conflict_share'), 0)
    }))
}
