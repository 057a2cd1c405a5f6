// geowrite's own side of a comparison, on the reference store.
import assert from 'node:assert/strict'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { drivers } from '../../drivers/index.ts'
import { workloads } from '../../workloads/index.ts'
import { writesFile } from '../contract/run-folder.ts'
import { Guardian } from '../deploy/guardian.ts'
import { Deployed, missingFor } from './deployed.ts'

const OPTIONS = { workload: 'profiles', driver: 'memory', rows: '1000', delay: '300ms' }
const registry = { drivers, workloads }
const ignore = () => undefined
const progress = { step: ignore, live: ignore, note: ignore, end: ignore, fail: ignore }

test('a turn writes in the first DC alone, as fast as it goes, and what it left is replicated before the next', async () => {
  assert.equal(await missingFor(OPTIONS, registry), undefined)
  await using cleanup = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'geowrite-test-'))
  const guardian = cleanup.use(new Guardian(folder))
  const place = { data: undefined, ports: { first: 15000, last: 32000 }, seed: 1 }
  const signal = AbortSignal.timeout(60_000)
  const order = { registry, place, folder, guardian, progress, signal }
  const deployed = await Deployed.open(OPTIONS, order, cleanup)
  assert.deepEqual([deployed.dc, deployed.rows.dcCount, deployed.workloadOptions.rows], ['us-east', 2, 1000])
  for (let turn = 0; turn < 2; turn++) {
    const { amount, seconds, cpuSeconds } = await deployed.side.turn(300)
    assert.ok(amount > 0, `${amount} rows`)
    assert.ok(seconds > 0.2 && seconds < 5, `${seconds} s`)
    assert.ok(cpuSeconds > 0 && cpuSeconds < 10, `${cpuSeconds} CPU-s`)
    const fromMs = performance.now()
    await deployed.settle()
    const settledMs = performance.now() - fromMs
    assert.ok(settledMs > 200 && settledMs < 15_000, `settled after ${settledMs} ms over links of 300 ms`)
  }
  // Writers leave a ledger where they write, probers where they read.
  const ledgers = await readdir(join(folder, 'run', 'ledger'))
  assert.deepEqual(
    ledgers.filter((name) => name.startsWith('writes')),
    [writesFile('us-east', 0)],
  )
})
