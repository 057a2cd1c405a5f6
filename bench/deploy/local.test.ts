// The local deployment with real processes: starting, failing, signals, counters, and that nothing is left.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, copyFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { BenchError } from '../contract/errors.ts'
import type { Service } from '../contract/service.ts'
import { LocalDeployment } from './local.ts'
import { processTree, startMark } from './process-table.ts'
import { assertDeathIsTold, ask, testService, until } from './service.fixture.ts'

const LIMIT = { timeout: 20_000 }
const base = mkdtempSync(join(tmpdir(), 'geowrite-local-'))
chmodSync(base, 0o711)
after(() => rmSync(base, { recursive: true, force: true }))

let runs = 0

function deploymentOf(onDeath: (error: BenchError) => void = () => undefined): LocalDeployment {
  return new LocalDeployment({ runId: `${process.pid}-${runs++}`, base, onDeath })
}

async function started(services: readonly Service[], onDeath?: (error: BenchError) => void): Promise<LocalDeployment> {
  const deployment = deploymentOf(onDeath)
  await deployment.place(services)
  await deployment.start('deploy', new AbortController().signal, () => undefined)
  return deployment
}

async function failure(services: readonly Service[]): Promise<BenchError> {
  await using deployment = deploymentOf()
  await deployment.place(services)
  const error: unknown = await deployment.start('deploy', new AbortController().signal, () => undefined).catch((e) => e)
  assert.ok(error instanceof BenchError, String(error))
  return error
}

const isAlive = (pid: number): boolean => startMark(pid) !== undefined
const pidAt = async (deployment: LocalDeployment, port: string): Promise<number> =>
  JSON.parse(await ask(deployment.endpoints().a[port], 'who')).pid as number

test('services start when they are ready, in their own folder, with little of the environment', LIMIT, async () => {
  process.env.GEOWRITE_TEST_SECRET = 'not for services'
  const ready: string[] = []
  await using deployment = deploymentOf()
  await deployment.place([
    testService('later', ['say=ready'], { stage: 'replicate' }),
    testService('by line', ['say=warming up', 'say=ready to serve']),
    testService('by port', [], { ready: { type: 'port', port: 'main by port' } }),
  ])
  await deployment.start('deploy', new AbortController().signal, (sentence) => ready.push(sentence))
  assert.deepEqual(ready.sort(), ['by line is ready', 'by port is ready'])
  const { env, cwd } = JSON.parse(await ask(deployment.endpoints().a['main by line'], 'who'))
  assert.deepEqual(
    Object.keys(env).filter((name) => !/^(PATH|LANG|LC_.*|TZ|HOME|TMPDIR)$/.test(name)),
    [],
  )
  assert.equal(env.HOME, cwd)
  assert.ok(cwd.startsWith(deployment.folder))
  assert.equal(statSync(cwd).mode & 0o777, 0o700)
  assert.equal(statSync(join(cwd, 'settings/service.json')).mode & 0o777, 0o600)
  await deployment.start('replicate', new AbortController().signal, (sentence) => ready.push(sentence))
  assert.equal(ready.length, 3)
  await deployment.stop()
  assert.equal(existsSync(deployment.folder), false)
})

test('a service reaches other DCs only by the route, links directly, and clients see the same', LIMIT, async () => {
  const reached: Record<string, unknown> = {}
  const asking = (name: string, change: Partial<Service>) =>
    testService(name, ['say=ready'], {
      ...change,
      files: (place) => {
        reached[name] = { b: place.reach('b', 'main far'), a: place.reach('a', 'main near') }
        return []
      },
    })
  await using deployment = deploymentOf()
  await deployment.place([
    asking('near', {}),
    testService('far', ['say=ready'], { dc: 'b' }),
    asking('link', { role: 'link' }),
  ])
  const asked: string[] = []
  deployment.route((from, to, port) => {
    asked.push(`${from}>${to} ${port}`)
    return { dc: 'a', port: 'main link' }
  })
  await deployment.start('links', new AbortController().signal, () => undefined)
  await deployment.start('deploy', new AbortController().signal, () => undefined)
  const { a, b } = deployment.endpoints()
  const entry = a['main link']
  assert.deepEqual(reached.near, { b: entry, a: a['main near'] })
  assert.deepEqual(reached.link, { b: b['main far'], a: a['main near'] })
  assert.deepEqual(asked, ['a>b main far'])
  assert.deepEqual(deployment.seenByClients('a'), { a: { 'main near': a['main near'] }, b: { 'main far': entry } })
  assert.deepEqual(deployment.seenByClients('b').b, { 'main far': b['main far'] })
})

test('a service that cannot start is one sentence with its last words', LIMIT, async () => {
  const early = await failure([
    testService('early', ['say=no cheese today', 'exit=4']),
    testService('fine', ['say=ready']),
  ])
  assert.equal(early.code, 'SERVICE_START')
  assert.match(early.message, /^early did not start: it ended with exit code 4: “no cheese today”; .*\.$/)
  const late = await failure([testService('late', ['say=hm'], { readyTimeoutMs: 1500 })])
  assert.match(late.message, /^late did not start: it was not ready within 1500 ms: “hm”; .*\.$/)
  const missing = await failure([testService('missing', [], { command: () => ({ program: '/no/such', args: [] }) })])
  assert.match(missing.message, /^missing did not start: .*ENOENT/)
  const setup = testService('unset', ['say=ready'], {
    setup: () => [{ program: 'node', args: ['-e', 'console.error("disk is made of cheese"); process.exit(1)'] }],
  })
  assert.match(
    (await failure([setup])).message,
    /setting it up with node ended with exit code 1: “disk is made of cheese”/,
  )
  const squatter = createServer()
  const taken = testService('taken', ['say=ready'], {
    setup: (place) => {
      squatter.listen(place.ports['main taken'].port, '127.0.0.1')
      return []
    },
  })
  assert.match((await failure([taken])).message, /^taken did not start because another program took one of its ports/)
  squatter.close()
})

test('an interrupted start rejects with the reason and leaves nothing running', LIMIT, async () => {
  await using deployment = deploymentOf()
  await deployment.place([testService('silent', ['child=wait='])])
  const interrupt = new AbortController()
  const start = deployment.start('deploy', interrupt.signal, () => undefined)
  setTimeout(() => interrupt.abort(new BenchError('INTERRUPTED', 'The run was interrupted.')), 200)
  await assert.rejects(start, { code: 'INTERRUPTED' })
  assert.deepEqual(
    (await deployment.usage()).map(({ residentBytes }) => residentBytes),
    [0],
  )
})

test('a service that ends by itself is told with its last words, one that was asked to end is not', LIMIT, async () => {
  const deaths: BenchError[] = []
  await using deployment = await started(
    [testService('mortal', ['say=ready']), testService('killed', ['say=ready'])],
    (error) => deaths.push(error),
  )
  await assertDeathIsTold(deployment, deaths)
})

test(
  'a kill ends all processes at once, and a restart serves on the same port without another setup',
  LIMIT,
  async () => {
    let setups = 0
    const service = testService('store', ['stray=', 'child=wait=', 'say=ready'], {
      setup: () => {
        setups++
        return []
      },
    })
    await using deployment = await started([service])
    const before = await pidAt(deployment, 'main store')
    const tree = processTree(before)
    assert.equal(tree.length, 3)
    await deployment.kill('store')
    await until(() => tree.every((pid) => !isAlive(pid)))
    await deployment.restart('store', new AbortController().signal)
    assert.notEqual(await pidAt(deployment, 'main store'), before)
    assert.equal(setups, 1)
  },
)

test('a paused service does not answer until it goes on', LIMIT, async () => {
  await using deployment = await started([testService('store', ['child=wait=', 'say=ready'])])
  await deployment.pause('store')
  let answered = false
  const answer = ask(deployment.endpoints().a['main store'], 'uid').then(() => (answered = true))
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(answered, false)
  await deployment.resume('store')
  assert.equal(await answer, true)
  await deployment.pause('store')
})

test('stopping is bounded for a service that does not listen, and takes a paused one along', LIMIT, async () => {
  const deployment = await started([testService('deaf', ['deaf=', 'say=ready'], { stopTimeoutMs: 60_000 })])
  const pid = await pidAt(deployment, 'main deaf')
  const startMs = performance.now()
  await deployment.stop(200)
  assert.ok(performance.now() - startMs < 3_000)
  assert.equal(isAlive(pid), false)
  assert.deepEqual(readdirSync(join(base, `geowrite-${process.getuid?.()}`)), [])
})

test(
  'usage counts children, those that ended, and earlier starts',
  { ...LIMIT, skip: process.platform !== 'linux' },
  async (t) => {
    await using deployment = await started([
      testService('busy', ['child=burn=400', 'burn=200', 'write=3000000', 'say=ready'], { dc: 'b' }),
    ])
    await until(async () => (await deployment.usage())[0].cpuSeconds >= 0.4)
    const [first] = await deployment.usage()
    assert.deepEqual([first.service, first.dc, first.role], ['busy', 'b', 'store'])
    assert.ok(first.residentBytes > 20e6 && first.residentMaxBytes >= first.residentBytes)
    t.diagnostic(`wrote ${first.storageWriteBytes} bytes to storage`)
    if (statSync(base).dev === statSync('/').dev) assert.ok((first.storageWriteBytes ?? 0) >= 3_000_000)
    await deployment.restart('busy', new AbortController().signal)
    await until(async () => (await deployment.usage())[0].cpuSeconds >= first.cpuSeconds + 0.4)
  },
)

test(
  'a service that refuses root runs as somebody else, from a copy of programs that they cannot read',
  { ...LIMIT, skip: process.getuid?.() !== 0 },
  async () => {
    const programs = join(base, 'private', 'programs')
    mkdirSync(programs, { recursive: true, mode: 0o700 })
    copyFileSync(process.execPath, join(programs, 'node'))
    chmodSync(join(programs, 'node'), 0o755)
    const script = `require('net').createServer((socket) => socket.on('data', () => socket.write(
    JSON.stringify({ uid: process.getuid(), program: process.execPath })))).listen(process.argv[1], '127.0.0.1', () => console.log('ready'))`
    const service = testService('humble', [], {
      unprivileged: true,
      programFolder: programs,
      command: (place) => ({
        program: join(programs, 'node'),
        args: ['-e', script, String(place.ports['main humble'].port)],
      }),
    })
    await using deployment = await started([service])
    const { uid, program } = JSON.parse(await ask(deployment.endpoints().a['main humble'], 'who'))
    assert.notEqual(uid, 0)
    assert.ok(program.startsWith(deployment.folder), program)
  },
)
