// The examples as a newcomer would run them: from the project itself, and from a folder of their own that depends on it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Verdict } from './contract/analysis.ts'
import { EXIT } from './contract/errors.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SHORT = ['--quick', '--duration=2s', '--warmup=0s', '--rows=300', '--rate=500', '--delay=10ms', '--overlap=0.8']

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The part of `--json` that is looked at. */
interface Summary {
  readonly workload: string
  readonly verdict: Verdict
  readonly systems: readonly {
    readonly driver: string
    readonly metrics: Readonly<Record<string, { readonly value: number | null }>>
  }[]
}

function runNode(args: readonly string[], folder: string): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: folder, timeout: 60_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

/** Runs the command line in `folder`; the results go there too. */
function bench(folder: string, ...options: readonly string[]): Promise<Ended> {
  return runNode([join(ROOT, 'bench/main.ts'), ...options, `--out=${join(folder, 'results')}`], folder)
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-outside-'))
  try {
    await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function assertConverged({ code, stdout, stderr }: Ended, driver: string, workload: string): void {
  // A machine that others load too can make a run invalid; what the store did must hold all the same.
  assert.ok(code === EXIT.done || code === EXIT.invalid, `exit ${code}: ${stderr}`)
  const summary = JSON.parse(stdout) as Summary
  assert.equal(summary.workload, workload)
  assert.deepEqual(summary.verdict.broken, [])
  const system = summary.systems.find((candidate) => candidate.driver === driver) ?? assert.fail(`no run of ${driver}`)
  const value = (metric: string) => system.metrics[metric].value
  assert.equal(value('lost_writes'), 0)
  assert.equal(value('divergent_rows'), 0)
  assert.ok((value('convergence') ?? Infinity) < 10)
  assert.ok((value('acknowledged') ?? 0) > 300)
  // Some 500 rows a second over 300 keys, seen 10 ms later: a few per cent, and some 20 writes in conflict.
  assert.ok((value('conflict_share') ?? 0) > 0, String(value('conflict_share')))
  assert.ok((value('lag_p50') ?? 0) >= 10)
}

test('the example driver and workload run from the command line, converge, and lose nothing', () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(ROOT, 'examples', name)
    const ended = await bench(
      folder,
      ...SHORT,
      `--driver=${at('pull-store.ts')}`,
      `--workload=${at('sensors.ts')}`,
      '--json',
    )
    assertConverged(ended, 'pull-store', 'sensors')
  }))

test('a project that depends on this one has types, and its driver and its package of a workload run beside one of the tree', () =>
  withFolder(async (folder) => {
    const modules = join(folder, 'node_modules')
    mkdirSync(join(modules, 'our-workload'), { recursive: true })
    symlinkSync(ROOT, join(modules, 'geowrite'))
    symlinkSync(join(ROOT, 'node_modules/@types'), join(modules, '@types'))
    for (const name of readdirSync(join(ROOT, 'examples')).filter((file) => file.endsWith('.ts'))) {
      copyFileSync(join(ROOT, 'examples', name), join(folder, name))
    }
    // Node strips types outside of node_modules only: packages that are installed there hold JavaScript.
    writeFileSync(
      join(modules, 'our-workload/index.js'),
      `import { sensors } from '../../sensors.ts'\nexport const readings = { ...sensors, name: 'readings' }\n`,
    )
    writeFileSync(
      join(modules, 'our-workload/package.json'),
      '{ "name": "our-workload", "type": "module", "exports": "./index.js" }',
    )
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), '{ "extends": "geowrite/tsconfig.json", "include": ["*.ts"] }')
    const types = await runNode([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], folder)
    assert.equal(types.code, 0, types.stdout)
    writeFileSync(
      join(folder, 'wrong.ts'),
      `import type { Driver } from 'geowrite/contract'\nexport const d: Driver = {}\n`,
    )
    const wrong = await runNode([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], folder)
    assert.match(wrong.stdout, /wrong\.ts.*missing the following properties from type 'Driver'/)
    const ended = await bench(folder, ...SHORT, '--driver=./pull-store.ts,memory', '--workload=our-workload', '--json')
    assertConverged(ended, 'pull-store', 'readings')
    assertConverged(ended, 'memory', 'readings')
  }))

for (const [what, text, sentence] of [
  [
    'a stream that throws in the middle of a run',
    `import { sensors } from '${join(ROOT, 'examples/sensors.ts')}'
     export const dry = { ...sensors, name: 'dry', stream(plan) {
       const stream = sensors.stream(plan)
       let given = 0
       return { next(count, keys, operations) {
         if ((given += count) > 4000) throw new Error('the well is dry')
         stream.next(count, keys, operations) } } } }`,
    /dry\.ts failed in its next\(\): the well is dry\. The error is in that file\./,
  ],
] as const) {
  test(`${what} is told as the file’s own error, and nothing of geowrite’s`, () =>
    withFolder(async (folder) => {
      writeFileSync(join(folder, 'dry.ts'), text)
      const { code, stderr } = await bench(folder, ...SHORT, '--driver=noop', '--workload=./dry.ts', '--rate=max')
      assert.equal(code, EXIT.invalid, stderr)
      assert.match(stderr, sentence)
    }))
}

test('a driver that cannot open a session is told as the file’s own error', () =>
  withFolder(async (folder) => {
    const noop = join(ROOT, 'drivers/noop/driver.ts')
    writeFileSync(
      join(folder, 'shut.ts'),
      `import { noop } from '${noop}'
       export const shut = { ...noop, name: 'shut', open: async () => { throw new TypeError('no door') } }`,
    )
    const { code, stderr } = await bench(folder, ...SHORT, '--driver=./shut.ts')
    assert.equal(code, EXIT.invalid, stderr)
    assert.match(stderr, /\.\/shut\.ts failed in its open\(\): no door\. The error is in that file\./)
  }))
