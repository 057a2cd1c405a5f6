// The deployment in containers with a real engine: what LocalDeployment does with processes, and that DCs are apart.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { BenchError } from '../../contract/errors.ts'
import type { Service } from '../../contract/service.ts'
import { assertDeathIsTold, ask, testService, until } from '../service.fixture.ts'
import { containerService, DOCKER_TEST, leftOf, openDocker, started } from './container.fixture.ts'

const never = new AbortController().signal

async function failure(services: readonly Service[]): Promise<BenchError> {
  await using deployment = await openDocker()
  await deployment.place(services)
  const error: unknown = await deployment.start('deploy', never, () => undefined).catch((e) => e)
  assert.ok(error instanceof BenchError, String(error))
  return error
}

test(
  'services start when they are ready, as their own user, in a folder of theirs, and nothing is left',
  DOCKER_TEST,
  async () => {
    const ready: string[] = []
    const runId = `test-${process.pid}-ready`
    await using deployment = await openDocker(undefined, {}, runId)
    await deployment.place([
      containerService('later', ['say=ready'], { stage: 'replicate' }),
      containerService('by line', ['say=warming up', 'say=ready to serve']),
      containerService('by port', ['sleep=1000', 'listen'], { ready: { type: 'port', port: 'main by port' } }),
    ])
    await deployment.start('deploy', never, (sentence) => ready.push(sentence))
    assert.deepEqual(ready.sort(), ['by line is ready', 'by port is ready'])
    const { env, cwd, files } = JSON.parse(await ask(deployment.endpoints().a['main by line'], 'who'))
    assert.deepEqual([env.HOME, env.TMPDIR, cwd], Array(3).fill('/data/of service'))
    assert.equal(files, '700 1000 600 1000')
    assert.notEqual(await ask(deployment.endpoints().a['main by port'], 'uid'), '', 'it listened when it was ready')
    assert.equal(await ask(deployment.endpoints().a['main by line'], 'uid'), '1000')
    await deployment.start('replicate', never, (sentence) => ready.push(sentence))
    assert.equal(ready.length, 3)
    assert.ok((await leftOf(runId)) > 0)
    await deployment.stop()
    assert.equal(existsSync(deployment.folder), false)
    assert.equal(await leftOf(runId), 0)
  },
)

test('a service that cannot start is one sentence with its last words', DOCKER_TEST, async () => {
  const early = await failure([
    containerService('early', ['say=no cheese today', 'exit=4']),
    containerService('fine', ['say=ready']),
  ])
  assert.equal(early.code, 'SERVICE_START')
  assert.match(early.message, /^early did not start: it ended with exit code 4: “no cheese today”; .*\.$/)
  const late = await failure([containerService('late', ['say=hm'], { readyTimeoutMs: 4000 })])
  assert.match(late.message, /^late did not start: it was not ready within 4000 ms: “hm”; .*\.$/)
  const missing = await failure([
    containerService('missing', [], { command: () => ({ program: '/no/such', args: [] }) }),
  ])
  assert.match(missing.message, /^missing did not start: .*\/no\/such/)
  const setup = containerService('unset', ['say=ready'], {
    setup: () => [{ program: 'node', args: ['-e', 'console.error("disk is made of cheese"); process.exit(1)'] }],
  })
  assert.match(
    (await failure([setup])).message,
    /“disk is made of cheese \/ setting it up with node ended with exit code 1”/,
  )
  await assert.rejects(failure([testService('of no image', [])]), { code: 'BUG' })
})

test('an interrupted start rejects with the reason and leaves nothing', DOCKER_TEST, async () => {
  for (const afterMs of [0, 50, 400, 1500]) {
    const runId = `test-${process.pid}-interrupt-${afterMs}`
    const deployment = await openDocker(undefined, {}, runId)
    await deployment.place([containerService('silent', ['child=wait=']), containerService('other', ['wait='])])
    const interrupt = new AbortController()
    const start = deployment.start('deploy', interrupt.signal, () => undefined)
    setTimeout(() => interrupt.abort(new BenchError('INTERRUPTED', 'The run was interrupted.')), afterMs)
    await assert.rejects(start, { code: 'INTERRUPTED' })
    await deployment.stop(500)
    assert.equal(await leftOf(runId), 0)
  }
})

test(
  'a service that ends by itself is told with its last words, one that was asked to end is not',
  DOCKER_TEST,
  async () => {
    const deaths: BenchError[] = []
    await using deployment = await started(
      [containerService('mortal', ['say=ready']), containerService('killed', ['say=ready'])],
      (error) => deaths.push(error),
    )
    await assertDeathIsTold(deployment, deaths)
  },
)

test(
  'a kill ends all processes, and a restart serves the same data at the same port without another set-up',
  DOCKER_TEST,
  async () => {
    const count = `require('fs').appendFileSync('set-ups', 'x')`
    const service = containerService('store', ['child=wait=', 'say=ready'], {
      setup: () => [{ program: 'node', args: ['-e', count] }],
    })
    await using deployment = await started([service])
    const before = deployment.endpoints()
    await deployment.kill('store')
    assert.equal(await ask(before.a['main store'], 'uid'), '')
    await deployment.restart('store', never)
    assert.deepEqual(deployment.endpoints(), before)
    assert.equal(await ask(before.a['main store'], 'read set-ups'), 'x')
  },
)

test('a file is changed while the service runs and while it does not', DOCKER_TEST, async () => {
  await using deployment = await started([containerService('store', ['say=ready'])])
  const address = deployment.endpoints().a['main store']
  await deployment.edit('store', 'settings/service.json', (text) => text.replace('true', '"changed"'))
  assert.equal(await ask(address, 'read settings/service.json'), '{"secret":"changed"}')
  await deployment.shutDown('store')
  await deployment.edit('store', 'settings/service.json', (text) => text.replace('changed', 'again'))
  await deployment.restart('store', never)
  assert.equal(await ask(address, 'read settings/service.json'), '{"secret":"again"}')
})

test('a paused service does not answer until it goes on, and can be ended', DOCKER_TEST, async () => {
  await using deployment = await started([containerService('store', ['child=wait=', 'say=ready'])])
  await deployment.pause('store')
  let answered = false
  const answer = ask(deployment.endpoints().a['main store'], 'uid').then(() => (answered = true))
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(answered, false)
  await deployment.resume('store')
  assert.equal(await answer, true)
  await deployment.pause('store')
  await deployment.kill('store')
  await deployment.restart('store', never)
  await deployment.pause('store')
})

test('a service that does not listen is killed when its time is over', DOCKER_TEST, async () => {
  const deployment = await started([containerService('deaf', ['deaf=', 'say=ready'], { stopTimeoutMs: 60_000 })])
  const startMs = performance.now()
  await deployment.stop(200)
  assert.ok(performance.now() - startMs < 10_000)
})

test('usage counts children, those that ended, and earlier starts', DOCKER_TEST, async (t) => {
  await using deployment = await started([
    containerService('busy', ['child=burn=400', 'burn=200', 'write=3000000', 'say=ready'], { dc: 'b' }),
  ])
  const used = async () => (await deployment.usage())[0]
  await until(async () => ((await used()).cpuSeconds ?? 0) >= 0.4)
  const first = await used()
  assert.deepEqual([first.service, first.dc, first.role], ['busy', 'b', 'store'])
  assert.ok((first.residentBytes ?? 0) > 20e6 && (first.residentMaxBytes ?? 0) >= (first.residentBytes ?? 0))
  t.diagnostic(`wrote ${first.storageWriteBytes} bytes to storage`)
  if (first.storageWriteBytes !== null) assert.ok(first.storageWriteBytes >= 3_000_000)
  await deployment.restart('busy', never)
  await until(async () => ((await used()).cpuSeconds ?? 0) >= (first.cpuSeconds ?? 0) + 0.4)
})

test('a service that needs more memory than it may use is told so', DOCKER_TEST, async () => {
  const deaths: BenchError[] = []
  await using deployment = await started([containerService('hungry', ['say=ready'])], (error) => deaths.push(error), {
    memoryBytes: 120 * 1024 ** 2,
    cpus: 0.9,
  })
  await ask(deployment.endpoints().a['main hungry'], 'eat')
  await until(() => deaths.length > 0)
  assert.match(deaths[0].message, /--container-memory/)
})
