// How fast a run is analysed once it is over: the ledger of five million rows of `profiles`, from its files to every figure.
import { join } from 'node:path'
import { BenchError } from '../contract/errors.ts'
import { writeSyntheticLedger } from '../analyse/synthetic-ledger.fixture.ts'
import type { AnalysisTime } from './analysis-process.ts'
import type { Gauge } from './comparison.ts'
import { ProgramRunner } from './programs.ts'

const ROWS = 5_000_000
const SCRIPT = join(import.meta.dirname, 'analysis-process.ts')

/** Each time in a process of its own, as after a run: nothing is compiled yet. Starting the process does not count. */
export const analysisRate: Gauge = {
  name: 'analysis',
  what: 'the ledger of 5,000,000 rows, two DCs, zipfian keys of which a tenth is written by both: to every figure and file',
  unit: 'rows per second',
  target: { bound: 2_000_000, is: 'least' },
  missing: () => Promise.resolve(undefined),
  async open(order) {
    const folder = join(order.folder, 'run')
    writeSyntheticLedger(folder, ROWS, order.place.seed)
    const runner = new ProgramRunner(order, order.signal)
    return async () => {
      const { text } = await runner.run('analysis', { program: process.execPath, args: [SCRIPT, folder] })
      const { seconds, rows } = JSON.parse(text) as AnalysisTime
      if (rows !== ROWS)
        throw new BenchError('BUG', `The analysis told of ${rows} of ${ROWS} rows: its rate says nothing.`)
      return rows / seconds
    }
  },
}
