// A run of geowrite as a user starts it, in a process of its own, for what can only be seen of a whole run.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
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
      ...(data === undefined ? {} : { data }),
    }
    const args = Object.entries({ ...options, ...where }).map(([name, value]) => `--${name}=${value}`)
    const startedMs = Date.now()
    try {
      // Invalid is what the machine made of it, and said below.
      await this.#runner.run('geowrite', { program: 'node', args: [START, MAIN, ...args] }, [EXIT.done, EXIT.invalid])
      const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
      const path = files.find((file) => file.endsWith(`/${RUN_FILES.run}`))
      if (path === undefined) throw new BenchError('WORKER', `A run of geowrite left no ${RUN_FILES.run}.`)
      const found = JSON.parse(readFileSync(join(out, path), 'utf8')) as Omit<OwnRun, 'startedMs'>
      const { status, reasons } = found.analysis.verdict
      if (status === 'invalid') progress.note(`the audit calls this run invalid: ${reasons.join('; ')}`)
      return { ...found, startedMs }
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  }
}
