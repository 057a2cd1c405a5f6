// Runs on servers that no harness started: two of Postgres, one with TLS, with a login that may do only what a run needs.
// GEOWRITE_EXTERNAL=all: also native subscriptions, and runs that are killed, interrupted or told to keep what they made.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { drivers } from '../drivers/index.ts'
import { postgres } from '../drivers/postgres/driver.ts'
import { testPlan } from '../drivers/postgres/servers.fixture.ts'
import { workloads } from '../workloads/index.ts'
import { runBench } from './bench.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { figureOf } from './contract/analysis.ts'
import { BenchError, ERROR_KINDS } from './contract/errors.ts'
import type { RunFacts } from './contract/run-folder.ts'
import { externalServers } from './deploy/external-endpoints.ts'
import { OwnServers, PASSWORD, SERVERNAME, USER } from './external.fixture.ts'
import { colorsFor } from './report/colors.ts'
import { renderBench } from './report/terminal.ts'
import { silent } from './silent.fixture.ts'

const ALL = process.env['GEOWRITE_EXTERNAL'] === 'all'
const long = { skip: ALL ? false : 'npm run external' }
const DCS = ['us-east', 'eu-west']
const out = mkdtempSync(join(tmpdir(), 'geowrite-external-'))
let servers: OwnServers

before(async () => {
  servers = await OwnServers.start()
  process.env['GEOWRITE_POSTGRES_PASSWORD'] = PASSWORD
})

after(async () => {
  delete process.env['GEOWRITE_POSTGRES_PASSWORD']
  await servers[Symbol.asyncDispose]()
  rmSync(out, { recursive: true, force: true })
})

/** A bench of Postgres on the servers; `options` go before what it would have. */
function bench(
  options: Readonly<Record<string, unknown>> = {},
  progress = silent,
  signal = AbortSignal.timeout(60_000),
) {
  const raw = {
    driver: 'postgres',
    deployment: 'external',
    endpoints: servers.endpoints(),
    quick: true,
    rows: '500',
    rate: '1000',
    duration: '1s',
    warmup: '200ms',
    out,
    ...options,
  }
  return runBench(parseScenario(raw), { drivers, workloads }, 'test', progress, signal)
}

/** What the driver says of the servers before anything is made there, as it would in a run. */
async function refusal(file: string, replication = 'cdc'): Promise<BenchError> {
  const signal = AbortSignal.timeout(30_000)
  try {
    const servers = externalServers({ driver: postgres, dcs: DCS, file, environment: process.env })
    const external = { ...servers, replaceExisting: false, keepTables: false }
    await using admin = await postgres.admin(external.ports, { ...testPlan(), replication, external }, signal)
    try {
      await admin.prepare()
    } finally {
      await admin.remove?.()
    }
  } catch (error) {
    assert.ok(error instanceof BenchError, String(error))
    return error
  }
  throw new Error('the run was not refused')
}

function isOneSentence(error: BenchError, sentence: RegExp): void {
  assert.match(error.message, sentence)
  assert.match(error.message, /^[^\n]*\.$/)
  assert.ok(!error.message.includes(PASSWORD), error.message)
  assert.equal(ERROR_KINDS[error.code].exit, 69)
}

async function isRefused(file: string, sentence: RegExp, replication?: string): Promise<void> {
  isOneSentence(await refusal(file, replication), sentence)
}

/** The same of a whole run. */
async function runIsRefused(options: Readonly<Record<string, unknown>>, sentence: RegExp): Promise<void> {
  await assert.rejects(bench(options), (error) => {
    assert.ok(error instanceof BenchError, String(error))
    isOneSentence(error, sentence)
    return true
  })
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

async function nothingIsLeft(): Promise<void> {
  for (const dc of DCS) assert.deepEqual(await servers.things(dc), [], dc)
}

for (const replication of ALL ? ['cdc', 'native'] : ['cdc']) {
  test(`${replication} runs on servers of the user's, and leaves them as they were`, async () => {
    const { folder, analysis } = await bench({ replication })
    const [run] = analysis.runs
    const value = (metric: string, at = {}) => figureOf(run.metrics, metric, at).value
    assert.ok((value('acknowledged') ?? 0) > 500, `${value('acknowledged')} rows/s`)
    assert.ok((value('lag_p50') ?? 0) > 0)
    assert.equal(value('lost_writes_everywhere'), 0)
    for (const unknown of [
      'wan_bytes',
      'write_amplification',
      'device_write_amplification',
      'server_cpu',
      'resident_max',
    ])
      assert.equal(value(unknown), null, unknown)
    for (const peer of DCS) {
      const rtt = value('rtt_p50', { dc: 'harness', peer, phase: 'during' }) ?? Number.NaN
      assert.ok(rtt > 0 && rtt < 100, `${rtt} ms to ${peer}`)
    }
    const distance = value('lag_error_distance') ?? Number.NaN
    assert.ok(distance > 0 && distance < 100, `${distance} ms`)
    const facts = JSON.parse(readFileSync(join(folder, 'runs', run.run, 'run.json'), 'utf8')) as RunFacts
    assert.deepEqual(facts.scenario.external?.encryption, { 'us-east': 'verified', 'eu-west': 'none' })
    assert.equal(facts.scenario.external?.besideHarness.length, replication === 'cdc' ? 2 : 0)
    assert.equal(facts.system.settings['shared_buffers'], undefined)
    assert.equal(facts.ground.fdatasyncP50Ms, null)
    const report = renderBench(analysis, folder, colorsFor({}))
    assert.match(report, /us-east ⇄ eu-west \(RTT from the harness: us-east [\d.]+ ms, eu-west [\d.]+ ms p50\)/)
    assert.match(report.replaceAll(/\s+/g, ' '), /up to [\d.]+ ms may be the harness’s own distance/)
    assert.match(report.replaceAll(/\s+/g, ' '), /WAN bytes and write amplification are n\/a/)
    assert.ok(!/0 ms each way|fdatasync/.test(report), report)
    for (const path of filesIn(folder)) assert.ok(!readFileSync(path, 'latin1').includes(PASSWORD), path)
    for (const dc of DCS) assert.ok(!servers.log(dc).includes(PASSWORD), dc)
    await nothingIsLeft()
  })
}

test('a login that is refused is told in one sentence', async () => {
  process.env['GEOWRITE_POSTGRES_PASSWORD'] = 'wrong'
  await runIsRefused({}, /refuses to let modest in .*check GEOWRITE_POSTGRES_USER and GEOWRITE_POSTGRES_PASSWORD/)
  delete process.env['GEOWRITE_POSTGRES_PASSWORD']
  process.env['PGPASSFILE'] = join(servers.folder, 'none')
  await isRefused(servers.endpoints(), /asks modest for a password, and none was given/)
  delete process.env['PGPASSFILE']
  process.env['GEOWRITE_POSTGRES_PASSWORD'] = PASSWORD
  await isRefused(servers.endpoints({ database: 'nowhere' }), /has no database nowhere/)
})

test('a server that does not prove who it is is not talked to', async () => {
  const withTls = (tls: unknown) => servers.endpoints({ tls })
  await isRefused(withTls(true), /shows a certificate that is not to be trusted/)
  await isRefused(withTls({ ca: 'other-ca.pem' }), /shows a certificate that is not to be trusted/)
  await isRefused(withTls({ ca: 'ca.pem', servername: 'db.example.com' }), /not to be trusted .*db\.example\.com/)
  // The certificate has no name localhost: that it is let past to the database shows that the name given was looked for.
  const named = servers.endpoints({
    ports: { sql: `localhost:${servers.port('us-east')}` },
    tls: { ca: 'ca.pem', servername: SERVERNAME },
    database: 'nowhere',
  })
  await isRefused(named, /has no database nowhere/)
  const swapped = servers.endpoints({ ports: { sql: `127.0.0.1:${servers.port('eu-west')}` } })
  await isRefused(swapped, /does not encrypt connections: turn its ssl on, or give tls: false/)
})

test('a right that is missing is named with what grants it', async () => {
  const [east] = DCS
  const without = async (revoke: string, grant: string, replication: string, sentence: RegExp) => {
    await servers.ask(east, revoke)
    try {
      await isRefused(servers.endpoints(), sentence, replication)
    } finally {
      await servers.ask(east, grant)
    }
  }
  const [cdc, native] = ['cdc', 'native']
  await without(
    `REVOKE CREATE ON SCHEMA public FROM ${USER}`,
    `GRANT CREATE ON SCHEMA public TO ${USER}`,
    cdc,
    /GRANT CREATE ON SCHEMA public TO "modest"/,
  )
  await without(
    `ALTER ROLE ${USER} NOREPLICATION`,
    `ALTER ROLE ${USER} REPLICATION`,
    cdc,
    /ALTER ROLE "modest" REPLICATION/,
  )
  await without(
    `REVOKE pg_create_subscription FROM ${USER}`,
    `GRANT pg_create_subscription TO ${USER}`,
    native,
    /GRANT pg_create_subscription TO "modest"/,
  )
  await without(
    `REVOKE EXECUTE ON FUNCTION pg_replication_origin_create FROM ${USER}`,
    `GRANT EXECUTE ON FUNCTION pg_replication_origin_create TO ${USER}`,
    cdc,
    /GRANT EXECUTE ON FUNCTION pg_replication_origin_create\(text\) TO "modest"/,
  )
  await nothingIsLeft()
})

test('what no run made is not touched unless that is asked for', async () => {
  await servers.ask('eu-west', 'CREATE TABLE profiles (mine text)')
  await servers.ask('eu-west', `INSERT INTO profiles VALUES ('kept')`)
  await servers.ask('eu-west', `ALTER TABLE profiles OWNER TO ${USER}`)
  await isRefused(servers.endpoints(), /eu-west has a table profiles that geowrite did not make.*--replace-existing/)
  assert.deepEqual(await servers.ask('eu-west', 'SELECT * FROM profiles'), [{ mine: 'kept' }])
  assert.deepEqual(await servers.things('us-east'), [])
  // Ended while it loads, so that nothing but claiming and removing is waited for.
  const stop = new AbortController()
  const loading = {
    ...silent,
    step: (text = '') => /loading/.test(text) && stop.abort(new BenchError('INTERRUPTED', 'stop.')),
  }
  await assert.rejects(bench({ 'replace-existing': true, rows: '50000' }, loading, stop.signal), /stop/)
  await nothingIsLeft()
})

/** The command line in a process of its own; `when` is called with each line of its progress. */
function runProcess(options: readonly string[], when: (line: string, child: ChildProcess) => void) {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'main.ts'),
      '--driver=postgres',
      '--deployment=external',
      `--endpoints=${servers.endpoints()}`,
      '--rows=100000',
      '--rate=1000',
      '--quick',
      `--out=${out}`,
      ...options,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: process.env },
  )
  createInterface({ input: child.stderr }).on('line', (line) => when(line, child))
  return once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
}

test('what a killed run leaves is removed by the next one', long, async () => {
  let killed = false
  const [, signal] = await runProcess([], (line, child) => {
    if (/measuring/.test(line)) killed = child.kill('SIGKILL')
  })
  assert.equal(signal, 'SIGKILL')
  assert.ok(killed)
  assert.ok((await servers.things('us-east')).includes('geowrite_made'))
  await bench()
  await nothingIsLeft()
})

for (const stage of ['reaching', 'loading', 'warming up', 'measuring', 'waiting until the DCs agree']) {
  test(`Ctrl-C while it is ${stage} leaves nothing on the servers, in less than 5 s`, long, async () => {
    let atMs = Number.NaN
    const [code] = await runProcess([], (line, child) => {
      if (!line.includes(stage) || !Number.isNaN(atMs)) return
      atMs = performance.now()
      child.kill('SIGINT')
    })
    assert.equal(code, 130)
    const tookMs = performance.now() - atMs
    assert.ok(tookMs < 5000, `${tookMs} ms`)
    await nothingIsLeft()
  })
}

test('tables are kept where that is asked for, and are then the user’s', long, async () => {
  await bench({ 'keep-tables': true })
  for (const dc of DCS) {
    assert.deepEqual(await servers.things(dc), ['profiles', 'profiles_pkey'])
    assert.deepEqual(await servers.ask(dc, 'SELECT count(*)::int AS rows FROM profiles'), [{ rows: 500 }])
  }
  await runIsRefused({}, /has a table profiles that geowrite did not make or was told to keep/)
  await bench({ 'replace-existing': true })
  await nothingIsLeft()
})

test('one run at a time is let into a database', long, async () => {
  let refused: Promise<void> | undefined
  const progress = {
    ...silent,
    step: (text = '') => {
      if (/measuring/.test(text)) refused = runIsRefused({}, /Another run of geowrite is in this database of /)
    },
  }
  const { analysis } = await bench({ duration: '6s' }, progress)
  await refused
  assert.ok(refused)
  assert.deepEqual(analysis.verdict.broken, [])
  await nothingIsLeft()
})

test('pipelines beside the harness can be broken, and servers cannot', long, async () => {
  const { analysis } = await bench({ fault: 'kill eu-west/cdc at=1s for=500ms', duration: '3s' })
  assert.deepEqual(analysis.verdict.broken, [])
  assert.equal(analysis.runs[0].faults?.length, 1)
  for (const [fault, what] of [
    ['kill eu-west at=100ms for=100ms', 'a server'],
    ['partition us-east|eu-west at=100ms for=100ms', 'a link between servers'],
  ]) {
    await assert.rejects(bench({ fault }), new RegExp(`hits ${what} of yours, which is not ours to break`))
  }
  await nothingIsLeft()
})

test('a server that writes too little into its log is refused', long, async () => {
  await servers.ask('eu-west', `ALTER SYSTEM SET wal_level = 'replica'`)
  await servers.restart('eu-west')
  await isRefused(
    servers.endpoints(),
    /The server of eu-west has wal_level replica, .*set it to logical there, and start it again/,
  )
  await servers.ask('eu-west', `ALTER SYSTEM RESET wal_level`)
  await servers.restart('eu-west')
})
