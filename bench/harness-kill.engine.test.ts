// The harness killed with -9 at random moments of a whole run: nothing goes on, nothing stays but what it had written of its
// results, and `report` says in one sentence or a table what that is. GEOWRITE_HARNESS_KILLS=20 for twenty moments; the short form
// is guardian.test.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { knownTree, stillRuns } from './deploy/process-table.ts'
import { until } from './deploy/service.fixture.ts'
import { leftIn, startMain } from './main.fixture.ts'
import { randomStream } from './lib/random.ts'

const KILLS = Number(process.env['GEOWRITE_HARNESS_KILLS'] ?? 0)
const SEED = Number(process.env['GEOWRITE_SEED'] ?? 1)
/** A whole run of these takes some 10 s: the moments fall into all of it. */
const RUN_MS = 10_000
const OPTIONS =
  '--driver=lsm,postgres --rows=2000 --rate=500 --quick --warmup=300ms --duration=1500ms --delay=5ms'.split(' ')

const parent = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
// Servers run as an ordinary user where the harness is root's.
chmodSync(parent, 0o711)
after(() => rmSync(parent, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function runToEnd(options: readonly string[]): Promise<Ended> {
  const child = startMain(options)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: string) => (stdout += text))
  child.stderr.on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** A bench folder that was cut off is a table, or one sentence on what it lacks; never an error of ours. */
async function reportsOn(folder: string, t: TestContext): Promise<void> {
  const { code, stdout, stderr } = await runToEnd(['report', folder])
  t.diagnostic(`report: exit ${code}: ${(stderr === '' ? stdout : stderr).trim().split('\n').at(-1)}`)
  assert.ok(code !== null && [0, 1, 2, 64].includes(code), stderr)
  if (stdout !== '') return assert.match(stdout, /rows\/s/)
  assert.match(stderr, /^geowrite: [^\n]+\.\n$/)
}

for (let kill = 1; kill <= KILLS; kill++) {
  const afterMs = Math.round(randomStream(SEED, kill).unit() * RUN_MS)
  test(
    `killed ${afterMs} ms after its start (seed ${SEED}, ${kill} of ${KILLS}) the harness leaves nothing that runs`,
    {
      timeout: 60_000,
    },
    async (t) => {
      const [out, data] = ['results', 'data'].map((name) => join(parent, `${kill}-${name}`))
      const harness = startMain([...OPTIONS, `--out=${out}`, `--data=${data}`])
      harness.stdout.resume()
      let said = ''
      harness.stderr.on('data', (text: string) => (said += text))
      const exited = once(harness, 'exit')
      const timer = new Promise((resolve) => setTimeout(resolve, afterMs))
      await Promise.race([timer, exited])
      // What ends by itself must have ended well: else nothing was killed.
      if (harness.exitCode !== null) assert.ok(harness.exitCode === 0 || harness.exitCode === 2, said)
      assert.doesNotMatch(said, /did not start/)
      const processes = knownTree(harness.pid ?? 0)
      harness.kill('SIGKILL')
      await exited
      const killedMs = performance.now()
      const isClean = () => !processes.some(stillRuns) && leftIn(data).length === 0
      await until(isClean)
      const goneMs = performance.now() - killedMs
      t.diagnostic(
        `${said.trim().split('\n').at(-1) ?? ''}: ${processes.length} processes, gone after ${goneMs.toFixed(0)} ms`,
      )
      for (const folder of existsSync(out) ? readdirSync(out) : []) await reportsOn(join(out, folder), t)
    },
  )
}
