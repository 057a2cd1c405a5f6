// Analyses the run folder that it is given, and prints how long that took.
import { figureOf } from '../contract/analysis.ts'
import { analyseRun } from '../analyse/run.ts'

/** What it prints, as JSON. */
export interface AnalysisTime {
  readonly seconds: number
  /** The stored writes that the figures tell of. */
  readonly rows: number
}

const startMs = performance.now()
const { metrics } = await analyseRun(process.argv[2])
const seconds = (performance.now() - startMs) / 1000
const rows = figureOf(metrics, 'conflict_share').n
if (rows === null) throw new TypeError('nothing was analysed')
process.stdout.write(JSON.stringify({ seconds, rows } satisfies AnalysisTime))
