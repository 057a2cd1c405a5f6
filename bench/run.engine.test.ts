// Whole runs on real engines, judged by what the test itself reads from the stores.
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import pg from 'pg'
import { OUTCOME } from './contract/outcome.ts'
import { OPERATION } from './contract/table.ts'
import { readBlocks } from './lib/column-file.ts'
import { WRITES, WRITE_FLAG } from './lib/ledger-format.ts'
import type { Run } from './run.ts'
import { withRun } from './run.fixture.ts'

interface StoredRow {
  readonly dot: number
  readonly version: number
  readonly rest: string
}
type StoredTable = ReadonlyMap<number, StoredRow>

/** Every row of one DC's Postgres, through a client of the test's own. */
async function readPostgres(run: Run, dc: string): Promise<StoredTable> {
  const { endpoints, plan } = run.stores
  const { host, port } = endpoints[dc]['sql']
  const client = new pg.Client({ host, port, user: 'geowrite', password: plan.secret, database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, string>>(`SELECT * FROM ${plan.table.name}`)
    return new Map(
      rows.map(({ key, dot, version, ...rest }) => [
        Number(key),
        { dot: Number(dot), version: Number(version), rest: JSON.stringify(rest) },
      ]),
    )
  } finally {
    await client.end()
  }
}

/** Every row of one DC's LevelDB, from a copy of its files: row names are r and the key, values dot, version, content. */
async function readLevel(run: Run, dc: string): Promise<StoredTable> {
  const { dataFolder } = run.stores
  const service = readdirSync(dataFolder).find(
    (name) => name.includes(`lsm-${dc}`) && existsSync(join(dataFolder, name, 'data', 'level')),
  )
  assert.ok(service)
  const copy = mkdtempSync(join(tmpdir(), 'geowrite-level-'))
  cpSync(join(dataFolder, service, 'data', 'level'), copy, { recursive: true })
  const level = new ClassicLevel<Buffer, Buffer>(copy, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  try {
    const table = new Map<number, StoredRow>()
    for await (const [name, value] of level.iterator({ gte: Buffer.from('r'), lt: Buffer.from('s') })) {
      const key = name.readUInt32BE(1) * 4294967296 + name.readUInt32BE(5)
      table.set(key, { dot: value.readDoubleLE(0), version: value.readDoubleLE(8), rest: value.toString('latin1', 16) })
    }
    return table
  } finally {
    await level.close()
    rmSync(copy, { recursive: true })
  }
}

/** The newest acknowledged write of every key, from the ledger, by a plain walk. */
function newestWrites(folder: string): Map<number, { dot: number; version: number }> {
  const newest = new Map<number, { dot: number; version: number }>()
  for (const name of readdirSync(join(folder, 'ledger')).filter((file) => file.startsWith('writes-'))) {
    for (const block of readBlocks(WRITES, join(folder, 'ledger', name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0 || (block.flags[i] & WRITE_FLAG.coalesced) !== 0 || block.outcome[i] !== OUTCOME.ok)
          continue
        assert.equal(block.operation[i], OPERATION.upsert)
        if ((newest.get(block.key[i])?.version ?? 0) < block.version[i]) {
          newest.set(block.key[i], { dot: block.dot[i], version: block.version[i] })
        }
      }
    }
  }
  return newest
}

for (const [driver, read] of [
  ['postgres', readPostgres],
  ['lsm', readLevel],
] as const) {
  test(`${driver} converges under heavy conflicts, and both tables hold the newest acknowledged write of every key`, () =>
    withRun(
      { driver, rows: 1000, overlap: 0.5, skew: 0.99, duration: '4s' },
      3000,
      async ({ analysis, folder, run, value }) => {
        assert.deepEqual(analysis.verdict.broken, [])
        assert.equal(value('divergent_rows'), 0)
        assert.equal(value('lost_writes'), 0)
        const [east, west] = await Promise.all(['us-east', 'eu-west'].map((dc) => read(run, dc)))
        assert.equal(east.size, 1000)
        assert.deepEqual(east, west)
        const newest = newestWrites(folder)
        assert.ok(newest.size > 500)
        for (const [key, { dot, version }] of newest) {
          assert.equal(east.get(key)?.version, version)
          assert.equal(east.get(key)?.dot, dot)
        }
        const [share, predicted] = [value('conflict_share') ?? 0, value('conflict_share_predicted') ?? 0]
        assert.ok(share > 0.1 && predicted > 0.1, `${share} for ${predicted}`)
        assert.ok((value('lag_p50') ?? 0) >= 40)
      },
    ))
}
