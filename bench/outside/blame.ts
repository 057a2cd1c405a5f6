// Drivers and workloads from outside, held at arm's length: what they throw is told as theirs, with the name of the file, and what
// they answer is looked at before it is used.
import { isMainThread } from 'node:worker_threads'
import { returnsInTime } from '../bounds/sync-call.ts'
import { tooLate } from '../bounds/whose.ts'
import type { Driver, Session } from '../contract/driver.ts'
import { BenchError, messageOf } from '../contract/errors.ts'
import { LIMITS, type Limits } from '../contract/limits.ts'
import { OUTCOME, type WriteResult } from '../contract/outcome.ts'
import type { Workload } from '../contract/workload.ts'
import { checkAnswer } from './answers.ts'

type Call = (...args: readonly unknown[]) => unknown

/** Whose it is, and how long it is waited for. */
interface Theirs {
  readonly file: string
  readonly limits: Limits
}

/** Methods whose answer is the value itself and never a promise of it. */
const AT_ONCE: ReadonlySet<string> = new Set(
  'bytesPerRow needs provisions services table stream next takesTurns'.split(' '),
)

function blame(file: string, method: string, error: unknown): BenchError {
  if (error instanceof BenchError) return error
  return new BenchError('STORE', `${file} failed in its ${method}(): ${messageOf(error)}. The error is in that file.`, {
    cause: error,
  })
}

async function* blameWhileRead(file: string, method: string, rows: AsyncIterable<object>): AsyncGenerator<object> {
  try {
    for await (const block of rows) {
      checkAnswer(file, method, block)
      yield block
    }
  } catch (error) {
    throw blame(file, method, error)
  }
}

const hasOutcome = (result: WriteResult | undefined): boolean =>
  result?.outcome === OUTCOME.ok || result?.outcome === OUTCOME.fail || result?.outcome === OUTCOME.info

/** What a session throws is an outcome of a write or a failed read, and so is an answer that is none. */
function heldSession(session: Session, file: string): Session {
  return {
    async write(batch) {
      const result = await session.write(batch)
      if (!hasOutcome(result)) checkAnswer(file, 'write', result)
      return result
    },
    async read(keys) {
      const rows = await session.read(keys)
      checkAnswer(file, 'read', rows)
      return rows
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
    },
  }
}

/** What a method gave, checked, and guarded in its turn where it is one of the objects that are called later. */
function guardResult(result: unknown, method: string, theirs: Theirs): unknown {
  const { file } = theirs
  if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result) {
    return blameWhileRead(file, method, result as AsyncIterable<object>)
  }
  checkAnswer(file, method, result)
  if (method === 'open') return heldSession(result as Session, file)
  return method === 'admin' || method === 'stream' ? guard(result as object, theirs) : result
}

function isPromise(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}

/** The same object, whose methods throw and reject with STORE errors that name the file. */
function guard<T extends object>(target: T, theirs: Theirs): T {
  const { file, limits } = theirs
  // A proxy must give the very values of a frozen object, so that it stands before an empty one.
  return new Proxy(Object.create(target) as T, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const method = typeof name === 'symbol' ? (name.description ?? 'unnamed').replace('Symbol.', '') : name
      const isAtOnce = AT_ONCE.has(method)
      const late = () => tooLate({ name: file, isOutside: true }, `come back from its ${method}()`, limits.answerMs)
      return (...args: readonly unknown[]): unknown => {
        const call = () => Reflect.apply(member as Call, target, args)
        try {
          // Elsewhere the main thread watches whether the thread goes on.
          const result = isAtOnce && isMainThread ? returnsInTime(call, limits.answerMs, late) : call()
          if (isAtOnce || !isPromise(result)) return guardResult(result, method, theirs)
          return Promise.resolve(result).then(
            (value: unknown) => guardResult(value, method, theirs),
            (error: unknown) => {
              throw blame(file, method, error)
            },
          )
        } catch (error) {
          throw blame(file, method, error)
        }
      }
    },
  })
}

/** A driver whose errors, and its admin’s, name `file`. What goes wrong in its sessions is an outcome. */
export function blamedDriver(driver: Driver, file: string, limits: Limits = LIMITS): Driver {
  return guard(driver, { file, limits })
}

/** A workload whose errors, and its streams', name `file`. */
export function blamedWorkload(workload: Workload, file: string, limits: Limits = LIMITS): Workload {
  return guard(workload, { file, limits })
}
