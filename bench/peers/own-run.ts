// A run of geowrite as a user starts it, in a process of its own, for what can only be seen of a whole run.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunAnalysis } from '../contract/analysis.ts'
import { BenchError, EXIT } from '../contract/errors.ts'
import { RUN_FILES, type RunFacts } from '../contract/run-folder.ts'
import type { ContestOrder } from './comparison.ts'
import type { SystemOptions } from './deployed.ts'
import { ProgramRunner } from './programs.ts'

const [START, MAIN] = ['../start.cjs', '../main.ts'].map((path) => fileURLToPath(new URL(path, import.meta.url)))

/** What the run left, and when its command was given. */
interface OwnRun extends Pick<RunFacts, 'epoch' | 'phases'> {
  readonly analysis: RunAnalysis
  readonly startedMs: number
  /** The largest resident size of the harness, looked at once a second. */
  readonly clientResidentBytes: number
}

function largestResident(resources: string): number {
  const [columns, ...rows] = resources
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const [service, resident] = ['service', 'resident_bytes'].map((name) => columns.indexOf(name))
  return Math.max(...rows.filter((row) => row[service] === 'client').map((row) => Number(row[resident])))
}

export class OwnRuns {
  readonly #order: ContestOrder
  readonly #runner: ProgramRunner

  constructor(order: ContestOrder) {
    this.#order = order
    this.#runner = new ProgramRunner(order, order.signal)
  }

  /** Runs one system to its end. A run that is invalid is told of; one that fails rejects. */
  async run(options: SystemOptions): Promise<OwnRun> {
    const { place, folder, progress } = this.#order
    const { data, seed, ports } = place
    const out = join(folder, 'results')
    mkdirSync(out)
    const where = {
      seed: String(seed),
      ports: `${ports.first}-${ports.last}`,
      out,
      // Not below the comparison's folder, into which the unprivileged user of a server may not look.
      data: data ?? tmpdir(),
    }
    const args = Object.entries({ ...options, ...where }).map(([name, value]) => `--${name}=${value}`)
    const startedMs = Date.now()
    try {
      // Invalid is what the machine made of it, and said below.
      await this.#runner.run('geowrite', { program: 'node', args: [START, MAIN, ...args] }, [EXIT.done, EXIT.invalid])
      const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
      const path = files.find((file) => file.endsWith(`/${RUN_FILES.run}`))
      if (path === undefined) throw new BenchError('WORKER', `A run of geowrite left no ${RUN_FILES.run}.`)
      const found = JSON.parse(readFileSync(join(out, path), 'utf8')) as Omit<
        OwnRun,
        'startedMs' | 'clientResidentBytes'
      >
      const { status, reasons } = found.analysis.verdict
      if (status === 'invalid') progress.note(`the audit calls this run invalid: ${reasons.join('; ')}`)
      const resources = readFileSync(join(out, dirname(path), RUN_FILES.resources), 'utf8')
      return { ...found, startedMs, clientResidentBytes: largestResident(resources) }
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  }
}
