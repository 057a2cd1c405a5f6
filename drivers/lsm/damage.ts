// What is said of LevelDB's files where they cannot be what LevelDB wrote.
import { BenchError } from '../../bench/contract/errors.ts'

/** FORMAT: `why` is what is wrong at that byte of the file. */
export function damaged(path: string, byte: number, why: string): BenchError {
  return new BenchError(
    'FORMAT',
    `${path} is damaged at byte ${byte}: ${why}, so that acknowledged rows may be lost; discard the folder and set this node up anew, by a new run or from another DC.`,
  )
}
