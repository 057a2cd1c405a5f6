// What is said of a file of a run that is not as it was written.
import { BenchError } from '../contract/errors.ts'

/** FORMAT: `why` is what is wrong with it. */
export function damagedFile(path: string, why: string, cause?: unknown): BenchError {
  return new BenchError(
    'FORMAT',
    `${path} is damaged (${why}): take this run's folder away to report the others, and run it again.`,
    { cause },
  )
}
