// A call into code that may never come back, in a thread that has nobody else to end it: V8 ends what runs when its time is over.
//
// The timeout of node:vm holds for everything that a script calls, so that the script is nothing but the call.
import { Script } from 'node:vm'

const LONGEST_MS = 2 ** 31 - 1
const CODE = 'ERR_SCRIPT_EXECUTION_TIMEOUT'

const place = globalThis as { geowriteCall?: (() => unknown) | undefined }
const script = new Script('geowriteCall()')

/**
 * What `call` returns; throws what it throws, or `late()` when it has not come back within `limitMs`. A promise that it returns is
 * not waited for. Costs some 0.1 ms, for a thread that watches the time.
 */
export function returnsInTime<T>(call: () => T, limitMs: number, late: () => Error): T {
  const outer = place.geowriteCall
  place.geowriteCall = call
  try {
    return script.runInThisContext({ timeout: Math.min(LONGEST_MS, Math.max(1, Math.ceil(limitMs))) }) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === CODE) throw late()
    throw error
  } finally {
    place.geowriteCall = outer
  }
}
