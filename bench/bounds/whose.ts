// Whom the harness waits for, and the sentence for when it does so in vain.
import { BenchError } from '../contract/errors.ts'
import { LIMITS, type Limits } from '../contract/limits.ts'

export interface Whose {
  /** The file of what is from outside, as the user named it; else the driver of the tree. */
  readonly name: string
  readonly isOutside: boolean
  readonly limits: Limits
}

interface Named {
  readonly file?: string
  readonly limits?: Limits
}

/** @param name the driver's own name. */
export function whoseDriver({ file, limits = LIMITS }: Named, name: string): Whose {
  return { name: file ?? `The driver ${name}`, isOutside: file !== undefined, limits }
}

/** A time for people, not more exact than it is. */
export function secondsText(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3))} s`
}

/** @param what what it has not done, such as `answered its prepare()`. */
export function tooLate(
  { name, isOutside }: Pick<Whose, 'name' | 'isOutside'>,
  what: string,
  limitMs: number,
): BenchError {
  const toDo = isOutside
    ? 'it must end in time, or fail and say why'
    : 'its servers stand still or are overloaded; their logs may say why'
  return new BenchError(
    'STORE',
    `${name} has not ${what} for ${secondsText(limitMs)} and is waited for no longer: ${toDo}.`,
  )
}
