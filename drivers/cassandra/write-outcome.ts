// What an error says of a write.
import { errors, types } from 'cassandra-driver'
import { messageOf } from '../../bench/contract/errors.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'

const { responseErrorCodes: CODE, consistencies } = types
/** Of protocol 5 and later; an earlier one tells it as a write timeout. */
const CAS_WRITE_UNKNOWN = 0x1700
const UNAVAILABLE: number = CODE.unavailableException
const WRITE_TIMEOUT: number = CODE.writeTimeout

/**
 * Refused before any replica was asked: too few were known to be alive, or the statement is none. Everything else that a server
 * reports (a timeout, a replica's failure, overload in the middle of it) leaves the write on some replica, or in a hint, perhaps.
 */
const REFUSALS: Readonly<Record<number, string>> = {
  [CODE.unavailableException]: 'unavailable',
  [CODE.isBootstrapping]: 'bootstrapping',
  [CODE.syntaxError]: 'syntax',
  [CODE.invalid]: 'invalid',
  [CODE.unauthorized]: 'unauthorized',
}

const UNKNOWNS: Readonly<Record<number, string>> = {
  [CODE.writeTimeout]: 'write_timeout',
  [CODE.readTimeout]: 'read_timeout',
  [CODE.overloaded]: 'overloaded',
  [CODE.writeFailure]: 'write_failure',
  [CAS_WRITE_UNKNOWN]: 'cas_timeout',
}

/** What the client reads of a server's error beside its code. */
interface Told {
  readonly writeType?: string
  readonly consistencies?: number
}

interface SocketError {
  readonly isSocketError?: boolean
  readonly requestNotWritten?: boolean
}

/** While it prepares a statement the client (4.10.0) lets the word of its pool through as it is, an error of no class of its own. */
const hadNoConnection = (error: unknown): boolean =>
  error instanceof Error && error.message === 'No connection available'

/** Whether a request ended so because its server was away: not there, or gone in the middle. */
export const isAway = (error: unknown): boolean =>
  error instanceof errors.NoHostAvailableError ||
  (error as SocketError).isSocketError === true ||
  hadNoConnection(error)

/** Whether a request that ended with this error was surely never sent. */
function neverSent(error: unknown): boolean {
  const { isSocketError, requestNotWritten } = error as SocketError
  if (isSocketError === true) return requestNotWritten === true
  if (error instanceof errors.BusyConnectionError) return true
  // The pool had no open connection.
  return !(error instanceof errors.ResponseError) && !(error instanceof errors.OperationTimedOutError)
}

/** What became of a lightweight transaction: one that is refused after its value was agreed upon will happen, or may. */
export function serialOutcomeOf(error: unknown): WriteResult {
  if (error instanceof errors.ResponseError) {
    const { writeType, consistencies: asked } = error as Told
    // Refused at the consistency of its commit, no longer at that of its rounds.
    if (error.code === UNAVAILABLE && asked !== consistencies.serial)
      return { outcome: OUTCOME.info, error: 'commit_unavailable' }
    if (error.code === WRITE_TIMEOUT)
      return { outcome: OUTCOME.info, error: writeType === 'CAS' ? 'cas_timeout' : 'commit_timeout' }
  }
  return outcomeOf(error)
}

/** `fail` where the write certainly did not happen, else `info`. */
export function outcomeOf(error: unknown): WriteResult {
  if (error instanceof errors.ResponseError) {
    const refusal = REFUSALS[error.code]
    if (refusal !== undefined) return { outcome: OUTCOME.fail, error: refusal }
    return { outcome: OUTCOME.info, error: UNKNOWNS[error.code] ?? `server_${error.code.toString(16)}` }
  }
  if (error instanceof errors.OperationTimedOutError) return { outcome: OUTCOME.info, error: 'timeout' }
  if (error instanceof errors.NoHostAvailableError) {
    const inner = Object.values((error.innerErrors as Record<string, unknown> | undefined) ?? {})
    return inner.every(neverSent)
      ? { outcome: OUTCOME.fail, error: 'unreachable' }
      : { outcome: OUTCOME.info, error: 'connection_lost' }
  }
  if (isAway(error)) {
    return neverSent(error)
      ? { outcome: OUTCOME.fail, error: 'unreachable' }
      : { outcome: OUTCOME.info, error: 'connection_lost' }
  }
  return { outcome: OUTCOME.info, error: messageOf(error) }
}
