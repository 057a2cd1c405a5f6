// Estimates of disk against what servers were measured to take.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Column } from '../../bench/contract/table.ts'
import { workloads } from '../../workloads/index.ts'
import { cassandra } from './driver.ts'

const TOLERANCE = 0.05
const SETTINGS = Object.fromEntries(cassandra.settings.map((setting) => [setting.name, setting.default]))

function columnsOf(name: string): readonly Column[] {
  const found = workloads.find(({ workload }) => workload.name === name)
  assert.ok(found, name)
  return found.workload.table(found.workload.defaults).columns
}

test('a loaded row takes what it took on disk, within 5 %, whether small, usual or large', () => {
  const large: readonly Column[] = [{ name: 'body', type: 'text', minBytes: 4000, maxBytes: 4000 }]
  // Bytes a row in one server after loading and compaction: 200,000 rows, of the large ones 20,000.
  for (const [columns, measured] of [
    [columnsOf('causal'), 186.3],
    [columnsOf('profiles'), 234.8],
    [columnsOf('messaging'), 298.9],
    [large, 4045.8],
  ] as const) {
    const bytes = cassandra.bytesPerRow(columns)
    assert.ok(Math.abs(bytes / measured - 1) < TOLERANCE, `${bytes} for ${measured}`)
  }
})

test('what a run needs beside its rows holds what it was seen to take, with deletes and logs, and grows with copies and writes', () => {
  const columns = columnsOf('profiles')
  const demand = { columns, rows: 100_000, writtenRows: 200_000, settings: SETTINGS, vectorDcs: 0 }
  const needs = (change: object) => cassandra.needs?.({ ...demand, ...change }).diskBytes ?? 0
  // 100,000 loaded rows and as many writes, three in ten of them deletes: files, logs and the rest in one server.
  const taken = 47.6e6
  assert.ok(demand.rows * cassandra.bytesPerRow(columns) + needs({}) >= taken)
  assert.equal(needs({ settings: { ...SETTINGS, rf: '2' } }), 2 * needs({}))
  const writtenBytes = (needs({ writtenRows: 300_000 }) - needs({})) / 100_000
  assert.ok(writtenBytes > 2 * cassandra.bytesPerRow(columns), `${writtenBytes} a row`)
})
