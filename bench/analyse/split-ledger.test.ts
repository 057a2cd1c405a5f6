// A ledger split into parts: the same answers from any number of them, and nothing left behind.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { BenchError } from '../contract/errors.ts'
import { causesFile, finalFile, RUN_FILES } from '../contract/run-folder.ts'
import { AnalysisThreads, type ThreadAnswer, type ThreadOrder } from './analysis-threads.ts'
import { makeCausalWorld, type CausalPlan } from './causal-world.fixture.ts'
import { partsBySize, planDeal } from './deal-plan.ts'
import { gatherEvidence } from './lag.ts'
import { openRun } from './load.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { firstProbes } from './probed-writes.ts'
import { analyseRun } from './run.ts'

const PLAN: CausalPlan = {
  seed: 20261124,
  dcs: 3,
  writes: 400,
  keys: 60,
  lengthMs: 2000,
  lagMs: [10, 60],
  law: 'jittered',
  serviceMs: 4,
  ordered: false,
  vectors: false,
  unknown: 0.05,
  failed: 0.05,
  coalesced: 0.05,
  deleted: 0.1,
  probed: 0.5,
  readGapMs: 4,
  skewMs: 0,
}

function plantWorld(folder: string): void {
  const { past: _past, replaced: _replaced, ...run } = makeCausalWorld(PLAN)
  plant(folder, { ...run, measureMs: [0, PLAN.lengthMs], workers: 2 })
}

const parts = (folder: string) => join(folder, 'analysis-parts')

test('exact and estimated figures are the same bytes from one part and from eleven, from one thread and from several', async (t) => {
  t.diagnostic(`seed ${PLAN.seed}`)
  const texts: string[][] = []
  for (const [partitions, threads] of [
    [1, 1],
    [11, 1],
    [11, 3],
  ]) {
    using folder = scratchFolder()
    plantWorld(folder.path)
    const { conflictBasis, notes } = await analyseRun(folder.path, { partitions, threads })
    assert.equal(conflictBasis, 'exact')
    assert.match(notes.join(), /estimated/)
    assert.equal(existsSync(parts(folder.path)), false)
    texts.push(
      [
        RUN_FILES.conflicts,
        RUN_FILES.lag,
        RUN_FILES.intervals,
        RUN_FILES.histograms,
        RUN_FILES.divergence,
        RUN_FILES.run,
      ].map((name) => readFileSync(join(folder.path, name), 'utf8').replace(/"run": "[^"]*"/, '')),
    )
  }
  assert.deepEqual(texts[1], texts[0])
  assert.deepEqual(texts[2], texts[0])
})

test('what goes wrong in another thread is told, however far this one came', async () => {
  using folder = scratchFolder()
  plantWorld(folder.path)
  const run = openRun(folder.path)
  const plan = planDeal(run, 1)
  await using threads = new AnalysisThreads(2, new URL('data:text/javascript,throw new Error("out of order")'))
  await assert.rejects(
    threads.read({ run, plan, probes: firstProbes(run) }),
    (error) => error instanceof BenchError && error.code === 'BUG' && /out of order/.test(error.message),
  )
})

test('a thread that ended after it had read is told, not waited for', { timeout: 60_000 }, async () => {
  using folder = scratchFolder()
  plantWorld(folder.path)
  const run = openRun(folder.path)
  const plan = planDeal(run, 1)
  const reader = `import { parentPort } from 'node:worker_threads'
    parentPort.once('message', () => parentPort.postMessage({ type: 'read', traffic: {} }))`
  const started = once(process, 'worker') as Promise<[Worker]>
  await using threads = new AnalysisThreads(2, new URL(`data:text/javascript,${encodeURIComponent(reader)}`))
  const [worker] = await started
  const toJoin = firstProbes(run)
  const reading = threads.read({ run, plan, probes: toJoin })
  // Without a listener left it ends by itself.
  const ended = once(worker, 'exit')
  await Promise.all([reading, ended])
  const evidence = gatherEvidence(run, run.measure.endUs, toJoin.probes).state
  await assert.rejects(
    threads.walk({ evidence, largestFirst: partsBySize(plan) }, () => undefined),
    (error) => error instanceof BenchError && error.code === 'BUG' && /ended by itself/.test(error.message),
  )
})

test(
  'a full disk is told as one by whichever thread meets it',
  { skip: existsSync('/dev/full') ? false : 'needs /dev/full' },
  async () => {
    using folder = scratchFolder()
    plantWorld(folder.path)
    const run = openRun(folder.path)
    const full = { ...planDeal(run, 2), scratchPath: '/dev/full' }
    const worker = new Worker(new URL('analysis-thread.ts', import.meta.url))
    try {
      const ledger = { run, plan: full, probes: firstProbes(run) }
      worker.postMessage({ type: 'read', ledger } satisfies ThreadOrder)
      const [answer] = (await once(worker, 'message')) as [ThreadAnswer]
      assert.equal(answer.type === 'failed' ? answer.code : answer.type, 'ROOM')
      assert.match(answer.type === 'failed' ? answer.why : '', /disk is full/)
    } finally {
      await worker.terminate()
    }
  },
)

test('parts are removed when the analysis fails in the middle', async () => {
  using folder = scratchFolder()
  plantWorld(folder.path)
  const ledger = join(folder.path, RUN_FILES.ledger)
  // Final rows where causes should be.
  copyFileSync(join(ledger, finalFile('dc0')), join(ledger, causesFile('dc1', 0)))
  await assert.rejects(
    analyseRun(folder.path, { partitions: 4 }),
    (error) => error instanceof BenchError && error.code === 'FORMAT',
  )
  assert.equal(existsSync(parts(folder.path)), false)
})

test('parts that a killed analysis left behind do not count', async () => {
  const figures: unknown[] = []
  for (const left of [false, true]) {
    using folder = scratchFolder()
    plantWorld(folder.path)
    if (left) {
      mkdirSync(parts(folder.path))
      const ledger = join(folder.path, RUN_FILES.ledger)
      for (const name of readdirSync(ledger).filter((file) => file.startsWith('writes-dc0'))) {
        for (const part of [0, 1, 2]) {
          writeFileSync(join(parts(folder.path), `${part}-writes-0`), readFileSync(join(ledger, name)))
        }
      }
    }
    figures.push((await analyseRun(folder.path, { partitions: 3 })).metrics)
  }
  assert.deepEqual(figures[1], figures[0])
})
