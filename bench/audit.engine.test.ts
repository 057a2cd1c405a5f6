// The self-audit on whole runs: a harness, a machine or a link that is not as it should be makes the run invalid, with that reason
// and exit code 2; a calm run that takes both cores of a small machine is valid. GEOWRITE_AUDIT=all plants everything, and makes fifty
// calm runs instead of one.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, setPriority, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AuditLine, Verdict } from './contract/analysis.ts'
import type { Address } from './contract/driver.ts'
import { EXIT } from './contract/errors.ts'
import { ControlClient } from './lib/control.ts'

const ROOT = resolve(import.meta.dirname, '..')
const ALL = process.env['GEOWRITE_AUDIT'] === 'all'
const CALM_RUNS = ALL ? 50 : 1
const LONG = ALL ? {} : { skip: 'only with GEOWRITE_AUDIT=all' }
const LOAD = ['--rows=2000', '--delay=20ms', '--duration=4s', '--warmup=500ms', '--overlap=0.1', '--json']

interface Ended {
  readonly code: number | null
  readonly verdict: Verdict
  readonly audit: readonly AuditLine[]
}

interface Sabotage {
  /** A module beside the results, which the command line can name. */
  readonly module?: { readonly name: string; readonly text: string }
  /** Called when the measured phase begins. */
  readonly whenMeasuring?: (dataFolder: string) => Promise<void>
  /** Called when it is over. */
  readonly whenStopped?: () => void
}

/** Runs the command line in a folder of its own. */
async function bench(
  options: readonly string[],
  { module, whenMeasuring, whenStopped }: Sabotage = {},
): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-audit-'))
  // A server that runs as another user must get through to its data.
  chmodSync(folder, 0o711)
  try {
    if (module !== undefined) writeFileSync(join(folder, module.name), module.text)
    const places = [`--out=${join(folder, 'results')}`, `--data=${folder}`]
    const child = spawn(process.execPath, [join(ROOT, 'bench/main.ts'), ...options, ...places], {
      cwd: folder,
      timeout: 90_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    let sabotage: Promise<void> | undefined
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      if (stderr.includes(': measuring')) sabotage ??= whenMeasuring?.(folder) ?? Promise.resolve()
      if (text.includes(': writers stopped')) whenStopped?.()
    })
    const code = await new Promise<number | null>((done) => child.once('close', done))
    await sabotage
    assert.notEqual(stdout, '', stderr)
    const { runs } = JSON.parse(stdout) as { runs: readonly { verdict: Verdict; audit: readonly AuditLine[] }[] }
    return { code, verdict: runs[0].verdict, audit: runs[0].audit }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One of the reasons is the one planted. */
function assertInvalid(t: TestContext, { code, verdict, audit }: Ended, ...names: readonly string[]): void {
  for (const { name, value, result } of audit) if (names.includes(name)) t.diagnostic(`${name}: ${value}, ${result}`)
  t.diagnostic(verdict.reasons.join(' '))
  assert.deepEqual(verdict.broken, [])
  assert.equal(verdict.status, 'invalid')
  assert.equal(code, EXIT.invalid)
  const outside = audit.filter(({ result, makes }) => result === 'outside' && makes === 'invalid')
  const found = outside.filter(({ name }) => names.includes(name))
  assert.ok(found.length > 0, `outside: ${outside.map(({ name }) => name).join(', ')}`)
  for (const { why } of found) assert.ok(verdict.reasons.some((reason) => reason.includes(why)))
}

/** A driver that is `memory` but for what `open` does to its sessions. */
const memoryBut = (name: string, open: string) => ({
  name: `${name}.ts`,
  text: `import { memory } from ${JSON.stringify(join(ROOT, 'drivers/memory/driver.ts'))}
    export const ${name} = { ...memory, name: '${name}', async open(dc, seen, options, signal) {
      const session = await memory.open(dc, seen, options, signal)
      ${open}
    } }`,
})

test('a stalled event loop makes the run invalid', async (t) => {
  const module = memoryBut(
    'stalling',
    `if (options.purpose === 'write') {
      setInterval(() => { const end = performance.now() + 200; while (performance.now() < end); }, 600).unref()
    }
    return session`,
  )
  const ended = await bench([...LOAD, '--driver=./stalling.ts', '--rate=1000'], { module })
  assertInvalid(t, ended, 'event-loop delay p99')
})

test('an overloaded generator makes the run invalid', LONG, async (t) => {
  const ended = await bench([...LOAD, '--driver=noop', '--rate=6M', '--duration=1s', '--warmup=0ms'])
  assertInvalid(t, ended, 'generator utilisation')
})

test('a link that drifts by 3 ms makes the run invalid', async (t) => {
  const whenMeasuring = async (dataFolder: string) => {
    const configs = readdirSync(dataFolder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('relay.json'),
    )
    assert.equal(configs.length, 1)
    const { control } = JSON.parse(readFileSync(join(dataFolder, configs[0]), 'utf8')) as { control: Address }
    const relay = await ControlClient.open(control)
    await relay.ask('set', { from: 'us-east', to: 'eu-west', change: { delayMs: 23 } })
    relay.close()
  }
  const ended = await bench([...LOAD, '--driver=memory', '--rate=1000'], { whenMeasuring })
  assertInvalid(t, ended, 'link RTT p50 off nominal')
})

/** Processes that go before others and take the cores for `ms`; they end by themselves, and at the latest when they are told to. */
function burners(count: number, ms: number): ChildProcess[] {
  const loop = `const end = Date.now() + ${ms}; while (Date.now() < end);`
  return Array.from({ length: count }, () => {
    const child = spawn(process.execPath, ['-e', loop], { stdio: 'ignore', detached: true })
    try {
      if (child.pid !== undefined) {
        setPriority(child.pid, -10)
        // Linux may schedule each session as a group, and then the nice value counts within the group only.
        if (process.platform === 'linux') writeFileSync(`/proc/${child.pid}/autogroup`, '-10')
      }
    } catch {
      // An ordinary user may not go first: then it is their number that counts.
    }
    return child
  })
}

test('a starved processor makes the run invalid', LONG, async (t) => {
  let burning: ChildProcess[] = []
  try {
    const whenMeasuring = async () => {
      burning = burners(12, 4500)
    }
    const ended = await bench([...LOAD, '--driver=memory', '--rate=3000'], { whenMeasuring })
    assertInvalid(t, ended, 'schedule slip p99', 'event-loop delay p99')
    assert.ok(
      ended.audit.some(({ name, result }) => name === 'CPU pressure' && result !== 'within'),
      'CPU pressure',
    )
  } finally {
    for (const child of burning) child.kill('SIGKILL')
  }
})

test('probes that miss make the run invalid', LONG, async (t) => {
  const module = memoryBut(
    'blind',
    `if (options.purpose === 'write') return session
    return {
      write: (batch) => session.write(batch),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      async read(keys) {
        const { dots, versions } = await session.read(keys)
        const shown = (column) => column.map((value, i) => (keys[i] % 4 === 0 ? 0 : value))
        return { dots: shown(dots), versions: shown(versions) }
      },
    }`,
  )
  const ended = await bench([...LOAD, '--driver=./blind.ts', '--rate=1000'], { module })
  assertInvalid(t, ended, 'probes without an answer')
})

test('a trend in the measured phase makes the run invalid', LONG, async (t) => {
  const module = memoryBut(
    'tiring',
    `let firstMs
    return {
      read: (keys) => session.read(keys),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      async write(batch) {
        firstMs ??= performance.now()
        await new Promise((done) => setTimeout(done, (performance.now() - firstMs) / 60))
        return session.write(batch)
      },
    }`,
  )
  const ended = await bench([...LOAD, '--driver=./tiring.ts', '--rate=1000', '--duration=8s'], { module })
  assertInvalid(t, ended, 'trend of the response p50')
})

/** Idle and all time of all cores so far, in ms. */
function coreTimes(): { readonly idleMs: number; readonly allMs: number } {
  let [idleMs, allMs] = [0, 0]
  for (const { times } of cpus()) {
    idleMs += times.idle
    allMs += times.user + times.nice + times.sys + times.irq + times.idle
  }
  return { idleMs, allMs }
}

// A closed loop leaves no core idle; an open one at the calibrated rate takes what a run usually takes.
const CALM = [
  ['--driver=lsm', '--rate=max'],
  ['--driver=lsm', '--rate=auto'],
  ['--driver=postgres', '--rate=max', '--rows=50000'],
  ['--driver=postgres', '--rate=auto', '--rows=50000'],
] as const

for (let run = 0; run < CALM_RUNS; run++) {
  const options = CALM[run % CALM.length]
  test(`a calm run that takes both cores is valid, ${options.join(' ')}, ${run + 1} of ${CALM_RUNS}`, async (t) => {
    let [start, end] = [coreTimes(), coreTimes()]
    const ended = await bench([...LOAD, ...options, ALL ? '--duration=8s' : '--duration=4s', '--warmup=2s'], {
      whenMeasuring: async () => void (start = coreTimes()),
      whenStopped: () => void (end = coreTimes()),
    })
    const idle = (end.idleMs - start.idleMs) / (end.allMs - start.allMs)
    t.diagnostic(`cores idle: ${(100 * idle).toFixed(1)} % ${ended.verdict.warnings.join(' ')}`)
    assert.deepEqual(ended.verdict.reasons, [])
    assert.equal(ended.code, EXIT.done)
    if (options[1] === '--rate=max' && cpus().length <= 2) assert.ok(idle < 0.15, `${100 * idle} % idle`)
  })
}
