// A long run: no process of it takes more memory or more file descriptors with time, and what is sent is sent no later at the end
// than at the beginning. GEOWRITE_SOAK_SECONDS=1800 for half an hour; less than 60 is too short to settle, and only tries the rest.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parse } from 'csv-parse/sync'
import { median, quantile } from 'simple-statistics'
import { trendOf } from './analyse/statistics.ts'
import { RUN_FILES } from './contract/run-folder.ts'
import { processTree } from './deploy/process-table.ts'
import { readBlocks } from './lib/column-file.ts'
import { PHASE } from './lib/dot.ts'
import { NEVER, WRITES } from './lib/ledger-format.ts'
import { leftIn, startMain } from './main.fixture.ts'

const SECONDS = Number(process.env['GEOWRITE_SOAK_SECONDS'] ?? 4)
const DRIVER = process.env['GEOWRITE_SOAK_DRIVER'] ?? 'lsm'
const RATE = 2000
const SETTLED_SECONDS = 60
/** Slices that the time is cut into; the first third is left for caches and compiled code to settle. */
const SLICES = 30
const GROWTH_SHARE_MAX = 0.1
/** What a thread that wakes, or a log file that is rolled over, holds for a moment. */
const DESCRIPTORS_MORE_MAX = 5
const SIGNIFICANT_Z = 2.58
const LATER_MS_MAX = 5

type Growing = Map<string, number[]>

const push = (series: Growing, name: string, value: number) => series.set(name, [...(series.get(name) ?? []), value])

/** Open descriptors by process, one sample a second until the run ends. */
function watchDescriptors(root: number): { readonly series: Growing; readonly end: () => void } {
  const series: Growing = new Map()
  const timer = setInterval(() => {
    for (const pid of processTree(root)) {
      try {
        push(series, String(pid), readdirSync(`/proc/${pid}/fd`).length)
      } catch {
        // It ended meanwhile.
      }
    }
  }, 1000)
  return { series, end: () => clearInterval(timer) }
}

/** Resident bytes by service, one sample a second, from the run's own file. */
function residentBytes(folder: string): Growing {
  const series: Growing = new Map()
  const rows: Record<string, string>[] = parse(readFileSync(join(folder, RUN_FILES.resources)), { columns: true })
  for (const { service, resident_bytes: bytes } of rows) push(series, service, Number(bytes))
  return series
}

/** Per slice of the measured phase, p99 of how long after its intended time a write was sent, in ms. */
function lateness(folder: string): number[] {
  const slices: number[][] = Array.from({ length: SLICES }, () => [])
  const { phases } = JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as {
    phases: { name: string; startUs: number; endUs: number }[]
  }
  const measure = phases.find(({ name }) => name === 'measure') ?? { startUs: 0, endUs: 1 }
  const ledger = join(folder, RUN_FILES.ledger)
  for (const name of readdirSync(ledger).filter((file) => file.startsWith('writes-'))) {
    for (const block of readBlocks(WRITES, join(ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0 || block.phase[i] !== PHASE.measure || block.sentAfterUs[i] === NEVER) continue
        const share = (block.intendedUs[i] - measure.startUs) / (measure.endUs - measure.startUs)
        slices[Math.min(SLICES - 1, Math.max(0, Math.floor(share * SLICES)))].push(block.sentAfterUs[i] / 1000)
      }
    }
  }
  return slices.map((slice) => quantile(slice, 0.99))
}

/** What a series comes to after its first third: rise from start to end, and whether it is one. */
function growthOf(series: readonly number[]) {
  const settled = series.slice(Math.floor(series.length / 3))
  // Every point pairs with every other: of a long run, as many as there are slices.
  const step = Math.max(1, Math.floor(settled.length / SLICES))
  const trend = trendOf(settled.filter((_, i) => i % step === 0))
  const isOne = trend !== null && Math.abs(trend.z) > SIGNIFICANT_Z
  return { change: isOne ? trend.change : 0, median: median(settled) }
}

function judgeMemory(folder: string, t: TestContext): void {
  for (const [service, series] of residentBytes(folder)) {
    const { change, median: middle } = growthOf(series)
    t.diagnostic(
      `${service}: ${(middle / 1e6).toFixed(0)} MB resident, ${(change / 1e6).toFixed(1)} MB more at the end`,
    )
    // A store fills its caches for as long as there is new data; ours and the links have none to fill.
    if (SECONDS < SETTLED_SECONDS || (service !== 'client' && !service.startsWith('link'))) continue
    assert.ok(change <= GROWTH_SHARE_MAX * middle, `${service} grew by ${change} bytes`)
  }
}

function judgeDescriptors(series: Growing, t: TestContext): void {
  for (const [pid, counts] of series) {
    const third = Math.floor(counts.length / 3)
    if (third < 2) continue
    const [first, last] = [median(counts.slice(third, 2 * third)), median(counts.slice(-third))]
    t.diagnostic(`process ${pid}: ${first} open files in the middle, ${last} at the end`)
    assert.ok(last <= first + DESCRIPTORS_MORE_MAX, `process ${pid} has ${last} open files, ${first} before`)
  }
}

test(
  `after ${SECONDS} s of ${DRIVER} nothing has grown and nothing is later`,
  { timeout: (SECONDS + 240) * 1000 },
  async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
    try {
      const [out, data] = ['results', 'data'].map((name) => join(parent, name))
      const options = `--driver=${DRIVER} --rate=${RATE} --rows=20000 --warmup=2s --duration=${SECONDS}s --out=${out} --data=${data}`
      const run = startMain(options.split(' '))
      run.stdout.resume()
      let said = ''
      run.stderr.on('data', (text: string) => (said += text))
      const descriptors = watchDescriptors(run.pid ?? 0)
      const [code] = (await once(run, 'close')) as [number | null]
      descriptors.end()
      // On a machine with other work a run may be invalid; it is whole all the same.
      assert.ok(code === 0 || code === 2, said)
      const runs = join(out, readdirSync(out)[0], 'runs')
      const folder = join(runs, readdirSync(runs)[0])
      judgeMemory(folder, t)
      if (process.platform === 'linux') judgeDescriptors(descriptors.series, t)
      const late = lateness(folder)
      const { change, median: middle } = growthOf(late)
      t.diagnostic(`sent ${middle.toFixed(2)} ms late at p99, ${change.toFixed(2)} ms more at the end`)
      assert.ok(Number.isFinite(middle) && change <= LATER_MS_MAX, `${change} ms later at the end`)
      assert.deepEqual(leftIn(data), [])
    } finally {
      rmSync(parent, { recursive: true, force: true })
    }
  },
)
