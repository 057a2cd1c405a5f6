// `report`: the figures of an old bench folder again, offline.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { analyseBench } from '../analyse/bench.ts'
import { BenchError } from '../contract/errors.ts'
import { printBench } from './print.ts'

export async function reportCommand(folder: string, json: boolean): Promise<number> {
  if (!existsSync(join(folder, 'runs'))) {
    throw new BenchError(
      'RUN_FOLDER',
      `${folder} is not a bench folder (it has no runs in it): give the folder that a run printed at its end.`,
    )
  }
  return printBench(await analyseBench(folder), folder, json)
}
