// The noop driver acknowledges whatever it is given, and owns up to keeping nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { Writer, loadedRows } from '../replication/node/nodes.fixture.ts'
import { noop } from './driver.ts'

const plan = {
  dcs: [{ name: 'west', index: 0 }],
  replication: 'none',
  settings: {},
  table: { name: 'things', rows: 5000, columns: [] },
  seed: 1,
  causality: 'bounds' as const,
  secret: '',
}
const { signal } = new AbortController()

test('noop acknowledges every write, loads nothing but says how far it is, and cannot be read', async () => {
  assert.equal(noop.replications[0].capabilities.readable, false)
  assert.deepEqual(noop.services(plan), [])
  const options = { plan, mode: 'batch', timeoutMs: 1000, purpose: 'write' } as const
  await using session = await noop.open(plan.dcs[0], {}, options, signal)
  assert.deepEqual(await session.write(new Writer(0).batch([1, 2])), { outcome: OUTCOME.ok })
  await assert.rejects(session.read(Float64Array.of(1)), { code: 'BUG' })
  await using admin = await noop.admin({}, plan, signal)
  let loaded = 0
  await admin.load(loadedRows, (rows) => (loaded = rows))
  assert.equal(loaded, 5000)
  await assert.rejects(admin.digest('west', { buckets: 1 }), { code: 'BUG' })
  assert.throws(() => admin.rows('west', { bucket: 0, buckets: 1 }), { code: 'BUG' })
})
