// What is said of LevelDB's files where they cannot be what LevelDB wrote.
import { BenchError } from '../../bench/contract/errors.ts'

/** FORMAT: `what` is wrong, as the start of a sentence that ends with what to do. */
export function untrusted(what: string, options?: ErrorOptions): BenchError {
  const toDo = 'discard the folder and set this node up anew, by a new run or from another DC'
  return new BenchError('FORMAT', `${what}; ${toDo}.`, options)
}

/** FORMAT: `why` is what is wrong at that byte of the file. */
export function damaged(path: string, byte: number, why: string): BenchError {
  return untrusted(`${path} is damaged at byte ${byte}: ${why}, so that acknowledged rows may be lost`)
}
