// What is left at the engine after a harness was killed, with its guardian alive and without: nothing, at once or at the next start.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { processTree } from '../process-table.ts'
import { until } from '../service.fixture.ts'
import { DOCKER_TEST, leftOf, openDocker } from './container.fixture.ts'

const HARNESS = (runId: string) => `
  const { openDocker, containerService } = await import(${JSON.stringify(new URL('./container.fixture.ts', import.meta.url))})
  const deployment = await openDocker(undefined, {}, ${JSON.stringify(runId)})
  await deployment.place([
    containerService('plain', ['say=ready']),
    containerService('deaf', ['deaf=', 'say=ready'], { dc: 'b' }),
    containerService('paused', ['say=ready']),
  ])
  await deployment.start('deploy', new AbortController().signal, () => undefined)
  await deployment.pause('paused')
  console.log('stands')
  setInterval(() => undefined, 1000)`

async function standingHarness(runId: string, base: string): Promise<ChildProcess> {
  const harness = spawn(process.execPath, ['--input-type=module', '-e', HARNESS(runId)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: base },
  })
  await once(harness.stdout ?? harness, 'data')
  return harness
}

test('a harness killed with -9 leaves nothing at the engine', DOCKER_TEST, async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'geowrite-killed-'))
  const runId = `test-${process.pid}-killed`
  const harness = await standingHarness(runId, base)
  assert.ok((await leftOf(runId)) >= 8)
  const startMs = performance.now()
  harness.kill('SIGKILL')
  await until(async () => (await leftOf(runId)) === 0)
  t.diagnostic(`all gone after ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
  assert.ok(performance.now() - startMs < 10_000)
  rmSync(base, { recursive: true, force: true })
})

test('what a harness leaves that was killed with its guardian is removed at the next start', DOCKER_TEST, async () => {
  const base = mkdtempSync(join(tmpdir(), 'geowrite-killed-'))
  const runId = `test-${process.pid}-both-killed`
  const harness = await standingHarness(runId, base)
  const tree = processTree(harness.pid ?? 0)
  assert.equal(tree.length, 2, 'the harness and its guardian')
  for (const pid of tree.toReversed()) process.kill(pid, 'SIGKILL')
  await once(harness, 'exit')
  assert.ok((await leftOf(runId)) >= 8)
  await using other = await openDocker()
  assert.equal(await leftOf(runId), 0)
  await other.stop()
  rmSync(base, { recursive: true, force: true })
})
