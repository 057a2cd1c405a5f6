// What a script sees of a verdict.
import type { Verdict } from '../contract/analysis.ts'
import { EXIT } from '../contract/errors.ts'

/** 1 where a promise was broken, valid or not, since lost data are lost; else 2 where the run is invalid; else 0. */
export function exitCodeOf({ status, broken }: Pick<Verdict, 'status' | 'broken'>): number {
  if (broken.length > 0) return EXIT.failed
  return status === 'valid' ? EXIT.done : EXIT.invalid
}
