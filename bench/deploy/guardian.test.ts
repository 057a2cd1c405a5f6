// What is left after the harness was killed with -9: nothing.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { knownTree, stillRuns } from './process-table.ts'
import { until } from './service.fixture.ts'

const HARNESS = (base: string) => `
  const { LocalDeployment } = await import(${JSON.stringify(new URL('./local.ts', import.meta.url))})
  const { testService } = await import(${JSON.stringify(new URL('./service.fixture.ts', import.meta.url))})
  const deployment = new LocalDeployment({ runId: String(process.pid), base: ${JSON.stringify(base)}, onDeath: () => {} })
  await deployment.place([
    testService('plain', ['child=wait=', 'stray=', 'say=ready']),
    testService('deaf', ['deaf=', 'say=ready']),
    testService('paused', ['say=ready']),
  ])
  await deployment.start('deploy', new AbortController().signal, () => undefined)
  deployment.pause('paused')
  console.log(deployment.folder)`

test('a harness killed with -9 leaves no process and no folder', { timeout: 20_000 }, async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'geowrite-guardian-'))
  const harness = spawn(process.execPath, ['--input-type=module', '-e', HARNESS(base)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const folder = String((await once(harness.stdout, 'data'))[0]).trim()
  const processes = knownTree(harness.pid ?? 0)
  // The harness, its guardian, three services, and the two children of one.
  assert.equal(processes.length, 7)
  assert.ok(existsSync(folder))
  const startMs = performance.now()
  harness.kill('SIGKILL')
  await until(() => !processes.some(stillRuns) && !existsSync(folder))
  t.diagnostic(`all gone after ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
  rmSync(base, { recursive: true })
})
