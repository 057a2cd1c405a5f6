import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { OUTCOME } from '../contract/outcome.ts'
import { readBlocks } from '../lib/column-file.ts'
import { NEVER, WRITES } from '../lib/ledger-format.ts'
import { randomStream } from '../lib/random.ts'
import { LedgerWriter, type LedgerRows } from './ledger.ts'

const SEED = 20261124

function inFolder<T>(body: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-ledger-'))
  return body(join(folder, 'writes.bin')).finally(() => rmSync(folder, { recursive: true }))
}

/** Reserves rows in random batches, settles them in random order and leaves some pending. */
async function writeRandomly(path: string, rows: number): Promise<void> {
  const random = randomStream(SEED, rows)
  const ledger = await LedgerWriter.create(path)
  const open: LedgerRows[] = []
  const settle = (batch: LedgerRows) => {
    for (let i = batch.start; i < batch.start + batch.count; i++) {
      batch.columns.outcome[i] = OUTCOME.ok
      batch.columns.ackedAfterUs[i] = 5
    }
    ledger.settle(batch)
  }
  for (let next = 1; next <= rows;) {
    const count = Math.min(1 + Math.floor(random.unit() * 700), rows - next + 1)
    const batch = ledger.reserve(count)
    for (let i = 0; i < count; i++) {
      batch.columns.dot[batch.start + i] = next + i
      batch.columns.key[batch.start + i] = (next + i) * 3
    }
    next += count
    open.push(batch)
    if (open.length > 20) settle(open.splice(Math.floor(random.unit() * open.length), 1)[0])
  }
  await ledger.close()
}

test('every reserved row is in the file once, settled or pending', (t) =>
  inFolder(async (path) => {
    t.diagnostic(`seed ${SEED}`)
    await writeRandomly(path, 60_000)
    const seen = new Map<number, { key: number; outcome: number; acked: number }>()
    for (const block of readBlocks(WRITES, path)) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0) continue
        assert.ok(!seen.has(block.dot[i]))
        seen.set(block.dot[i], { key: block.key[i], outcome: block.outcome[i], acked: block.ackedAfterUs[i] })
      }
    }
    assert.equal(seen.size, 60_000)
    let pending = 0
    for (const [dot, row] of seen) {
      assert.equal(row.key, dot * 3)
      if (row.outcome === OUTCOME.pending) pending++
      assert.equal(row.acked, row.outcome === OUTCOME.ok ? 5 : NEVER)
    }
    assert.ok(pending > 0 && pending < 20_000)
  }))

test('a file cut off anywhere is read up to its last whole block and called torn', () =>
  inFolder(async (path) => {
    await writeRandomly(path, 30_000)
    const end = { torn: false, bytes: 0 }
    const blocks = [...readBlocks(WRITES, path, end)].length
    assert.equal(end.torn, false)
    truncateSync(path, end.bytes - 7)
    const cut = { torn: false, bytes: 0 }
    assert.equal([...readBlocks(WRITES, path, cut)].length, blocks - 1)
    assert.equal(cut.torn, true)
  }))
