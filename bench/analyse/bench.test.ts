// A bench of several runs: its CSVs, its repeats put together, its verdict.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { figureOf } from '../contract/analysis.ts'
import { analyseBench } from './bench.ts'
import { plant, scratchFolder } from './planted.fixture.ts'

/** Two repeats of one system with lags of 42 and 52 ms, and one run of another that lost a write. */
function plantBench(folder: string): void {
  const writes = Array.from({ length: 100 }, (_, i) => ({ dc: i % 2, key: i, sentMs: i * 10 + 1, ackedMs: i * 10 + 3 }))
  const run = (name: string, index: number, repeat: number, replication: string, lagMs: number, lost: boolean) => {
    const path = join(folder, 'runs', name)
    mkdirSync(path, { recursive: true })
    plant(path, {
      writes,
      measureMs: [0, 1000],
      probes: writes.map(({ dc, ackedMs }, write) => ({
        peer: 1 - dc,
        write,
        missMs: ackedMs + lagMs - 2,
        closedMs: ackedMs + lagMs,
      })),
      ...(lost
        ? { finals: writes.flatMap(({ key }, write) => (write === 0 ? [] : [0, 1].map((dc) => ({ dc, key, write })))) }
        : {}),
      facts: (facts) => ({ ...facts, index, repeat, system: { ...facts.system, replication } }),
    })
  }
  run('1-planted-a', 1, 1, 'a', 42, false)
  run('2-planted-b', 2, 1, 'b', 60, true)
  run('10-planted-a', 10, 2, 'a', 52, false)
}

test('the CSVs hold one row a run and one a metric, n/a is empty, and a second report gives the same bytes', async () => {
  using folder = scratchFolder()
  plantBench(folder.path)
  await analyseBench(folder.path)
  const read = (name: string) => readFileSync(join(folder.path, name), 'utf8')
  const before = [read('summary.csv'), read('metrics.csv')]
  await analyseBench(folder.path)
  assert.deepEqual([read('summary.csv'), read('metrics.csv')], before)
  const summary: Record<string, string>[] = parse(before[0], { columns: true })
  assert.deepEqual(
    summary.map((row) => row['run']),
    ['1-planted-a', '2-planted-b', '10-planted-a'],
  )
  assert.deepEqual(
    summary.map((row) => row['lost_writes_rows']),
    ['0', '1', '0'],
  )
  assert.equal(summary[0]['write_amplification'], '')
  const metrics: Record<string, string>[] = parse(before[1], { columns: true })
  assert.equal(
    Object.keys(metrics[0]).join(),
    'run,driver,replication,workload,shard_key,dc,peer,phase,metric,unit,value,low,high,n',
  )
  const lag = metrics.filter((row) => row['metric'] === 'lag_p50' && row['dc'] === '')
  assert.deepEqual(
    lag.map((row) => Math.round(Number(row['value']))),
    [42, 60, 52],
  )
  const places = metrics.map((row) => [row['run'], row['metric'], row['dc'], row['peer'], row['phase']].join())
  assert.equal(new Set(places).size, places.length)
})

test('repeats of a system become medians with their spread, and a broken promise names its run', async () => {
  using folder = scratchFolder()
  plantBench(folder.path)
  const { systems, verdict } = await analyseBench(folder.path)
  assert.deepEqual(
    systems.map((system) => [system.label, system.runs.length]),
    [
      ['planted a', 2],
      ['planted b', 1],
    ],
  )
  const { value, low, high, n } = figureOf(systems[0].metrics, 'lag_p50')
  assert.deepEqual(
    [value, low, high].map((part) => Math.round(part ?? 0)),
    [47, 42, 52],
  )
  assert.equal(n, 2)
  assert.deepEqual(verdict.broken, ['planted b: 1 acknowledged write is lost in at least one DC, 1 of them in all.'])
})

test('a folder without runs says so', async () => {
  using folder = scratchFolder()
  await assert.rejects(analyseBench(folder.path), /holds no finished run/)
})
