// What a machine or a user can do to a run: each ends it with one sentence and its own exit code, and nothing stays.
// GEOWRITE_BAD_GROUND=all for the whole list.
import assert from 'node:assert/strict'
import { spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test, type TestContext } from 'node:test'
import { EXIT } from './contract/errors.ts'
import { knownTree, processTree, stillRuns } from './deploy/process-table.ts'
import { until } from './deploy/service.fixture.ts'
import { leftIn, startMain } from './main.fixture.ts'

const ALL = process.env['GEOWRITE_BAD_GROUND'] === 'all'
const FILLER = 'filler'
const SMALL = [
  '--driver=memory',
  '--rows=500',
  '--rate=500',
  '--quick',
  '--warmup=100ms',
  '--duration=1s',
  '--delay=5ms',
]
/** Long enough for what is done to it meanwhile. */
const LONGER = [...SMALL.filter((option) => !option.startsWith('--duration')), '--duration=15s']

const parent = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
const mounted: string[] = []
after(() => {
  for (const folder of mounted) spawnSync('umount', [folder])
  rmSync(parent, { recursive: true, force: true })
})

interface Ground {
  readonly out: string
  readonly data: string
}

interface Case {
  readonly what: string
  readonly options: (ground: Ground) => readonly string[]
  /** Before the run; returns why the case cannot be made here. */
  readonly before?: (ground: Ground) => string | undefined
  /** Program and arguments before node's. */
  readonly through?: readonly string[]
  /** Done once a line of its progress fits. */
  readonly meanwhile?: { readonly line: RegExp; readonly act: (run: ChildProcess, ground: Ground) => void }
  readonly exit: number
  readonly sentence: RegExp
  readonly short?: true
}

/** A file system of so many MiB, of its own, on `folder`. */
function mountSmall(folder: string, mib: number, mode = 'rw'): string | undefined {
  mkdirSync(folder, { recursive: true })
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `${mode},size=${mib}m`, 'tmpfs', folder])
  if (status !== 0) return 'only root may mount a file system here'
  mounted.push(folder)
  return undefined
}

/** Leaves no free block on the file system of `folder`. */
function fill(folder: string): void {
  const { bavail, bsize } = statfsSync(folder)
  try {
    writeFileSync(join(folder, FILLER), Buffer.alloc(bavail * bsize))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

const killService = (name: RegExp) => (run: ChildProcess) => {
  const victim = processTree(run.pid ?? 0).find((pid) => {
    const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
    return pid !== run.pid && name.test(stdout)
  })
  assert.ok(victim !== undefined, `no service ${name}`)
  process.kill(victim, 'SIGKILL')
}

const CASES: readonly Case[] = [
  {
    what: 'a results folder that cannot be made',
    options: () => [...SMALL, '--out=/dev/null/results'],
    exit: EXIT.unavailable,
    sentence: /results folder .* cannot be written .*--out/,
    short: true,
  },
  {
    what: 'a data folder that cannot be made',
    options: () => [...SMALL, '--data=/dev/null/data'],
    exit: EXIT.unavailable,
    sentence: /data.*cannot be (written|made).*--data/,
  },
  {
    what: 'a results folder on a disk that may only be read',
    options: () => SMALL,
    before: ({ out }) => mountSmall(out, 1, 'ro'),
    exit: EXIT.unavailable,
    sentence: /results folder .* cannot be written .*--out/,
  },
  {
    what: 'a data folder on a disk that may only be read',
    options: () => SMALL,
    before: ({ data }) => mountSmall(data, 1, 'ro'),
    exit: EXIT.unavailable,
    sentence: /data.*cannot be (written|made).*--data/,
  },
  {
    what: 'a range of ports that is too small',
    options: () => [...SMALL, '--ports=15990-15991'],
    exit: EXIT.unavailable,
    sentence: /port.*15990.*--ports/,
  },
  {
    what: 'a disk for the stores that cannot hold what they need',
    options: () => [...SMALL, '--rows=1000000', '--driver=lsm'],
    before: ({ data }) => mountSmall(data, 16),
    exit: EXIT.unavailable,
    sentence: /needs? .*(MB|GB|MiB|GiB)/,
  },
  {
    what: 'a disk for the stores that is full in the middle of the run',
    options: () => [...LONGER, '--driver=lsm', '--rate=5000'],
    before: ({ data }) => mountSmall(data, 400),
    meanwhile: { line: /measuring/, act: (_run, { data }) => fill(data) },
    exit: EXIT.invalid,
    sentence: /./,
  },
  {
    what: 'a disk for the results that is full in the middle of the run',
    options: () => [...LONGER, '--rate=20000'],
    before: ({ out }) => mountSmall(out, 200),
    meanwhile: { line: /measuring/, act: (_run, { out }) => fill(out) },
    exit: EXIT.unavailable,
    sentence: /^geowrite: The disk is full \(ENOSPC: .*--out and --data\.$/,
    short: true,
  },
  {
    what: 'too few file descriptors',
    through: ['prlimit', '--nofile=30:30'],
    options: () => SMALL,
    exit: EXIT.unavailable,
    sentence: /(open files|descriptors|EMFILE)/i,
  },
  {
    what: 'a store that is killed by somebody else',
    options: () => LONGER,
    meanwhile: { line: /measuring/, act: killService(/memory|node-process/) },
    exit: EXIT.invalid,
    sentence: /memory .*(ended|died|killed|signal)/,
    short: true,
  },
  {
    what: 'a link that is killed by somebody else',
    options: () => LONGER,
    meanwhile: { line: /measuring/, act: killService(/relay/) },
    exit: EXIT.invalid,
    sentence: /(link|relay) .*(ended|died|killed|signal)/i,
  },
  ...(['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal): Case => ({
    what: `${signal} in the middle of the run`,
    options: () => LONGER,
    meanwhile: { line: /measuring/, act: (run) => void run.kill(signal) },
    exit: EXIT.interrupted,
    sentence: new RegExp(`Interrupted by ${signal}`),
  })),
]

async function runInto(one: Case, ground: Ground, t: TestContext): Promise<void> {
  const options = [`--out=${ground.out}`, `--data=${ground.data}`, ...one.options(ground)]
  // The last of an option counts.
  const own = [...new Map(options.map((option) => [option.split('=')[0], option])).values()]
  const run = startMain(own, one.through)
  const exited = once(run, 'close')
  const said: string[] = []
  let acted = false
  let processes: ReturnType<typeof knownTree> = []
  createInterface(run.stderr).on('line', (line) => {
    said.push(line)
    if (acted || one.meanwhile?.line.test(line) !== true) return
    acted = true
    processes = knownTree(run.pid ?? 0)
    one.meanwhile.act(run, ground)
  })
  const [code] = (await exited) as [number | null]
  const errors = said.filter((line) => line.startsWith('geowrite: '))
  t.diagnostic(`exit ${code}: ${errors.join(' / ')}`)
  assert.equal(acted, one.meanwhile !== undefined)
  assert.equal(code, one.exit, said.join('\n'))
  assert.equal(errors.length, 1, said.join('\n'))
  assert.match(errors[0], one.sentence)
  assert.match(errors[0], /\.$/)
  assert.ok(!said.some((line) => /^\s+at |Error:/.test(line)), said.join('\n'))
  await until(() => !processes.some(stillRuns))
  assert.deepEqual(leftIn(ground.data, FILLER), [])
}

for (const [i, one] of CASES.entries()) {
  if (!ALL && one.short !== true) continue
  test(`${one.what}: one sentence, exit ${one.exit}, and nothing stays`, { timeout: 60_000 }, async (t) => {
    const ground = { out: join(parent, `${i}-out`), data: join(parent, `${i}-data`) }
    const cannot = one.before?.(ground)
    if (cannot !== undefined) return t.skip(cannot)
    await runInto(one, ground, t)
  })
}
