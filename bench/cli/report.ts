// `report`: the figures of an old bench folder again, offline.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { analyseBench } from '../analyse/bench.ts'
import { BenchError } from '../contract/errors.ts'
import { exportBench } from '../export/export-bench.ts'
import type { ExportForm } from '../export/tables.ts'
import { printBench } from './print.ts'

export async function reportCommand(folder: string, json: boolean, exportLedger?: ExportForm): Promise<number> {
  if (!existsSync(join(folder, 'runs'))) {
    throw new BenchError(
      'RUN_FOLDER',
      `${folder} is not a bench folder (it has no runs in it): give the folder that a run printed at its end.`,
    )
  }
  const analysis = await analyseBench(folder)
  if (exportLedger !== undefined) {
    await exportBench(folder, exportLedger, (run) => process.stderr.write(`exporting the ledger of ${run}\n`))
  }
  return printBench(analysis, folder, json)
}
