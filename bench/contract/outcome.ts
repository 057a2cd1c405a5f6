// What became of a write, as a small integer so that a ledger can keep one a row.

/**
 * `ok` was acknowledged, `fail` certainly did not happen, `info` is unknown (may have happened, or may yet).
 * `pending` stands in the ledger for a write whose outcome never came: the analysis treats it as `info`.
 */
export const OUTCOME = { pending: 0, ok: 1, fail: 2, info: 3 } as const

export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME]

/** The harness's own word for a write whose session gave no answer: its outcome is `info`. */
export const UNANSWERED = 'unanswered'
/** Begins the harness's word for a write whose promise was rejected, and why follows: its outcome is `info`. */
export const REJECTED = 'driver: '

/** What a session says of one batch. A rejected promise means a bug in the driver, never a refused write. */
export interface WriteResult {
  /** The outcome of every row, unless `rowOutcomes` tells them apart. */
  readonly outcome: Outcome
  readonly rowOutcomes?: Uint8Array
  /** A short stable word for what went wrong, such as `timeout`; absent when all is well. */
  readonly error?: string
  /** Where the store raised versions: the version stored for row i, or 0 where it was stored as asked. */
  readonly storedVersions?: Float64Array
  /**
   * Where exact causality was asked for, of rows whose outcome is `ok`: the dot of the row that row i replaced at its own DC,
   * at the moment in which it did; 0 for none.
   */
  readonly overwrote?: Float64Array
  /**
   * Along with `overwrote`: the version vector that row i found there, DC by DC (`seen[i × DCs + d]`): the latest dot of DC d on
   * this key that had been taken in, kept or beaten, directly or as the past of another; 0 for none.
   */
  readonly seen?: Float64Array
}
