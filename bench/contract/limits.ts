// How long the harness waits for what drivers and workloads do. A bound is there for what hangs: what works takes far less.

/** Plain data, so that threads can be told. */
export interface Limits {
  /** An answer that does not depend on the table: `missing`, `admin`, `describe`, `counters`, `backlog`, `remove`, and `open` of a session. */
  readonly answerMs: number
  /** What may go through the whole table: `prepare`, `replicate`, `digest`, `flush`, each block of `rows`, and `load` without a word of progress. */
  readonly tableMs: number
  /** What is added to that for every loaded row. */
  readonly tableUsPerRow: number
  /** What a session's `write` and `read` may take beyond the scenario's `--timeout`, within which they have to end by themselves. */
  readonly graceMs: number
  /** Closing a session or an admin. */
  readonly closeMs: number
  /** A thread that comes back from no call for so long is ended. */
  readonly silentMs: number
}

export const LIMITS: Limits = {
  answerMs: 120_000,
  tableMs: 360_000,
  tableUsPerRow: 100,
  graceMs: 1000,
  closeMs: 10_000,
  silentMs: 60_000,
}

/** What a call may take that goes through a table of so many rows. */
export function tableLimitMs({ tableMs, tableUsPerRow }: Limits, rows: number): number {
  return tableMs + (rows * tableUsPerRow) / 1000
}
