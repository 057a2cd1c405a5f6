// What a command says of a bench at its end, on standard output, and the exit code that goes with it.
import { relative } from 'node:path'
import type { BenchAnalysis } from '../contract/analysis.ts'
import { colorsFor } from '../report/colors.ts'
import { exitCodeOf } from '../report/exit-code.ts'
import { jsonSummary } from '../report/json.ts'
import { renderBench } from '../report/terminal.ts'

/** Prints the table or the JSON document and returns the exit code. */
export function printBench(analysis: BenchAnalysis, folder: string, json: boolean): number {
  const near = relative(process.cwd(), folder)
  const shown = near === '' || near.startsWith('..') ? folder : `${near}/`
  // Only a terminal has columns: in a file or a pipe nothing needs to fit.
  const text = () => renderBench(analysis, shown, colorsFor(process.stdout), process.stdout.columns)
  process.stdout.write(json ? jsonSummary(analysis, shown) : text())
  return exitCodeOf(analysis.verdict)
}
