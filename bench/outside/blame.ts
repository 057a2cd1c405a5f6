// Errors of a driver or workload from outside are told as theirs, with the name of the file, and never as geowrite's own.
import type { Driver } from '../contract/driver.ts'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Workload } from '../contract/workload.ts'

type Call = (...args: readonly unknown[]) => unknown

function blame(file: string, method: string, error: unknown): BenchError {
  if (error instanceof BenchError) return error
  return new BenchError('STORE', `${file} failed in its ${method}(): ${messageOf(error)}. The error is in that file.`, {
    cause: error,
  })
}

async function* blameWhileRead(file: string, method: string, rows: AsyncIterable<object>): AsyncGenerator<object> {
  try {
    yield* rows
  } catch (error) {
    throw blame(file, method, error)
  }
}

/** What a method gave, guarded in its turn where it is one of the objects that are called later. */
function guardResult(result: unknown, file: string, method: string): unknown {
  if (typeof result !== 'object' || result === null) return result
  if (Symbol.asyncIterator in result) return blameWhileRead(file, method, result as AsyncIterable<object>)
  return method === 'admin' || method === 'stream' ? guard(result, file) : result
}

/** The same object, whose methods throw and reject with STORE errors that name the file. */
function guard<T extends object>(target: T, file: string): T {
  // A proxy must give the very values of a frozen object, so that it stands before an empty one.
  return new Proxy(Object.create(target) as T, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const method = String(name)
      return (...args: readonly unknown[]): unknown => {
        try {
          const result = Reflect.apply(member as Call, target, args)
          if (!(result instanceof Promise)) return guardResult(result, file, method)
          return result.then(
            (value: unknown) => guardResult(value, file, method),
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

/** A driver whose errors, and its admin’s, name `file`. Sessions are left as they are: what goes wrong there is an outcome. */
export function blamedDriver(driver: Driver, file: string): Driver {
  return guard(driver, file)
}

/** A workload whose errors, and its streams', name `file`. */
export function blamedWorkload(workload: Workload, file: string): Workload {
  return guard(workload, file)
}
