// One call of a driver whose answer is waited for, no longer than its bound.
import { isMainThread } from 'node:worker_threads'
import { inTime } from '../lib/in-time.ts'
import { whileWatched } from './loop-watch.ts'
import { returnsInTime } from './sync-call.ts'
import { tooLate, type Whose } from './whose.ts'

export interface Bound {
  /** What it has not done when it is late, such as `answered its prepare()`. */
  readonly what: string
  readonly limitMs: number
  /** When it last showed that it goes on, in ms of `performance.now()`; absent: it does not. */
  readonly heardMs?: () => number
}

/** The answer of `call`, which may also be none of a promise. Rejects with STORE when it is late. */
export function answerOf<T>(
  whose: Whose,
  { what, limitMs, heardMs }: Bound,
  call: () => T | PromiseLike<T>,
): Promise<T> {
  const late = () => tooLate(whose, what, limitMs)
  const answered = (asked: () => T | PromiseLike<T>) => inTime((async () => asked())(), limitMs, late, heardMs)
  // Threads are watched by the main one; what is of the tree never runs without end.
  if (!whose.isOutside || !isMainThread) return answered(call)
  return whileWatched({ whose, what, limitMs }, () => answered(() => returnsInTime(call, limitMs, late)))
}
