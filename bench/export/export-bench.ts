// The ledgers of all runs of a bench folder, exported one after another.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FILES } from '../contract/run-folder.ts'
import { exportRun } from './export-run.ts'
import type { ExportForm } from './tables.ts'

/** `begins` is told the name of each run in its turn. Throws as `exportRun` does, for the first run that it cannot export. */
export async function exportBench(
  folder: string,
  form: ExportForm,
  begins: (run: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const runs = join(folder, 'runs')
  for (const name of readdirSync(runs).filter((each) => existsSync(join(runs, each, RUN_FILES.run)))) {
    begins(name)
    await exportRun(join(runs, name), form, signal)
  }
}
