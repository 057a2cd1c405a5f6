// Drivers and workloads from outside that hang, or lose control, in the middle of a real run: the bound ends the run with a sentence
// that names the file, and nothing of the run is left. GEOWRITE_HANGING=all for all of them; the short form has one of each kind.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { BenchError, EXIT } from './contract/errors.ts'
import type { Limits } from './contract/limits.ts'
import { until } from './deploy/service.fixture.ts'
import { benchWithHanging } from './hanging.fixture.ts'
import { leftIn } from './main.fixture.ts'

const ROOT = resolve(import.meta.dirname, '..')
const FIXTURE = join(import.meta.dirname, 'hanging.fixture.ts')

/** A module that is a good driver or workload but for `own`, which may use `never`, `loop`, `withAdmin` and `withSession`. */
const moduleOf = (base: string, own: string): string => `
import { ${base.replace(/^.*\//, '').replace(/\.ts$/, '')} as base } from '${base.replace(/^([a-z]+)$/, `${ROOT}/drivers/$1/driver.ts`)}'
const never = () => new Promise(() => undefined)
const loop = () => { for (;;); }
const over = (own, target) => new Proxy(target, { get: (_, name) => own[name] ??
  (typeof target[name] === 'function' ? target[name].bind(target) : target[name]) })
const withAdmin = (own) => ({ admin: async (...asked) => over(own, await base.admin(...asked)) })
const withSession = (own) => ({ open: async (dc, ...rest) => over(dc.index === 0 ? own : {}, await base.open(dc, ...rest)) })
export const hang = { ...base, name: 'hang', ${own} }
`

/** Processes whose arguments name the folder: every service of the run is told of a file in its data. */
function processesOf(folder: string): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(join(folder, 'data'))
    } catch {
      return false
    }
  })
}

async function withHanging(text: string, body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-hanging-'))
  try {
    writeFileSync(join(folder, 'hang.ts'), text)
    await body(folder)
    assert.deepEqual([leftIn(join(folder, 'data')), processesOf(folder)], [[], []])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const TOO_LONG = String.raw` for \d[\d.]* s and is waited for no longer: it must end in time, or fail and say why\.$`
const SENSORS = join(ROOT, 'examples/sensors.ts')
const ALL = process.env['GEOWRITE_HANGING'] !== undefined

interface Hang {
  readonly what: string
  readonly as: 'driver' | 'workload'
  readonly module: string
  readonly limits: Partial<Limits>
  readonly sentence: string
  /** Only in the long form. */
  readonly isLong?: true
}

const ENDED: readonly Hang[] = [
  {
    what: 'an admin that neither prepares nor closes',
    as: 'driver',
    module: moduleOf('noop', '...withAdmin({ prepare: never, [Symbol.asyncDispose]: never })'),
    limits: { tableMs: 300, closeMs: 200 },
    sentence: `answered its prepare\\(\\)${TOO_LONG}`,
  },
  {
    what: 'a write that runs for ever',
    as: 'driver',
    module: moduleOf('noop', '...withSession({ write: loop })'),
    limits: { silentMs: 1000 },
    sentence: `come back from its session’s write\\(\\) or read\\(\\)${TOO_LONG}`,
  },
  {
    what: 'a session that does not open',
    as: 'driver',
    module: moduleOf('noop', 'open: never'),
    limits: { answerMs: 1000 },
    sentence: `answered its open\\(\\)${TOO_LONG}`,
    isLong: true,
  },
  {
    what: 'a session whose opening runs for ever',
    as: 'driver',
    module: moduleOf('noop', 'open: loop'),
    limits: { silentMs: 1000 },
    sentence: `come back from its open\\(\\)${TOO_LONG}`,
    isLong: true,
  },
  {
    what: 'a session that does not close',
    as: 'driver',
    module: moduleOf('noop', '...withSession({ [Symbol.asyncDispose]: never })'),
    limits: { closeMs: 200 },
    sentence: `closed its session${TOO_LONG}`,
    isLong: true,
  },
  {
    what: 'a digest that does not come',
    as: 'driver',
    module: moduleOf('memory', '...withAdmin({ digest: never })'),
    limits: { tableMs: 4000 },
    sentence: `answered its digest\\(\\)${TOO_LONG}`,
    isLong: true,
  },
  {
    what: 'a stream whose next() runs for ever',
    as: 'workload',
    module: moduleOf(
      SENSORS,
      'stream: (plan) => (plan.options.rows === 200 && plan.dcIndex === 0 ? { next: loop } : base.stream(plan))',
    ),
    limits: { silentMs: 1000 },
    sentence: `come back from its stream\\(\\) or next\\(\\)${TOO_LONG}`,
    isLong: true,
  },
  {
    what: 'a session that ends its thread',
    as: 'driver',
    module: moduleOf('noop', '...withSession({ write: () => process.exit(0) })'),
    limits: {},
    sentence:
      'ended the generator 0 thread of the harness, as process.exit does: it must throw instead, and say why\\.$',
    isLong: true,
  },
  {
    what: 'an error from a timer of a session',
    as: 'driver',
    module: moduleOf(
      'noop',
      '...withSession({ write() { setTimeout(() => { throw new Error("stray") }, 20); return never() } })',
    ),
    limits: {},
    sentence: 'failed where nobody waits for it: stray\\. The error is in that file\\.$',
    isLong: true,
  },
]

describe('in a run, bounded by its own process', () => {
  for (const { what, as, module, limits, sentence, isLong } of ENDED) {
    const options = { skip: isLong === true && !ALL ? 'GEOWRITE_HANGING is not set' : false }
    test(`${what} ends the run with a sentence that names the file, and nothing is left`, options, () =>
      withHanging(module, async (folder) => {
        await assert.rejects(benchWithHanging(folder, as, limits), (error: unknown) => {
          assert.ok(error instanceof BenchError, String(error))
          assert.deepEqual([error.code, error.exit], ['STORE', EXIT.invalid], error.message)
          assert.match(error.message, new RegExp(`^\\./hang\\.ts (has not )?${sentence}`))
          return true
        })
        assert.deepEqual(readdirSync(join(folder, 'results')), [])
      }),
    )
  }

  test('writes and reads that never answer end with the run: what was written is unknown, and the driver is named for it', () =>
    withHanging(moduleOf('memory', '...withSession({ write: never, read: never })'), async (folder) => {
      const { analysis } = await benchWithHanging(folder, 'driver', { graceMs: 100 })
      const [{ notes, verdict }] = analysis.runs
      assert.ok(
        notes.some((note) => /^The driver hang left \d+ batches without an answer/.test(note)),
        notes.join('\n'),
      )
      assert.equal(verdict.status, 'invalid')
      assert.deepEqual(verdict.broken, [])
    }))
})

interface Ended {
  readonly code: number
  readonly stderr: string
}

describe('in a run that cannot end by itself', () => {
  for (const { what, own, sentence, isLong } of [
    {
      what: 'an admin that keeps the event loop to itself',
      own: '...withAdmin({ prepare: async () => { await 1; for (;;) await null } })',
      sentence: 'has not answered its prepare\\(\\) for 0\\.9 s and is waited for no longer',
    },
    {
      what: 'an error from a timer of the admin',
      own: '...withAdmin({ prepare() { setTimeout(() => { throw new TypeError("stray") }, 20); return never() } })',
      sentence: 'failed where nobody waits for it: stray\\. The error is in that file\\.',
      isLong: true,
    },
    {
      what: 'an admin that ends the process',
      own: '...withAdmin({ prepare() { process.exit(0) } })',
      sentence: 'ended the process \\(process\\.exit\\)',
      isLong: true,
    },
  ] as const) {
    const options = { skip: isLong === true && !ALL ? 'GEOWRITE_HANGING is not set' : false }
    test(`${what}: exit code 2, one sentence, and nothing left`, options, () =>
      withHanging(moduleOf('noop', own), async (folder) => {
        const { code, stderr } = await new Promise<Ended>((done) => {
          execFile(
            process.execPath,
            [FIXTURE, folder, JSON.stringify({ tableMs: 900 })],
            { timeout: 60_000 },
            (error, _, text) => done({ code: error === null ? 0 : Number(error.code), stderr: text }),
          )
        })
        assert.match(stderr, new RegExp(`^geowrite: [^\\n]*\\./hang\\.ts,? ${sentence}[^\\n]*\\n$`))
        assert.equal(code, EXIT.invalid)
        // The guardian may still be at it.
        await until(() => leftIn(join(folder, 'data')).length === 0 && processesOf(folder).length === 0)
      }),
    )
  }
})
