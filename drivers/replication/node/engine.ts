// What a node needs from the thing that keeps its rows and its log. Changes gather in one open batch; a commit makes them
// durable together, as far as the engine is durable at all.

/** How far a node has applied the log of one peer; `logId` tells a peer's log from the one it had before it lost its data. */
export interface AppliedPosition {
  readonly logId: number
  readonly position: number
}

/** What an engine finds when it opens. A position counts the rows logged up to and including an entry. */
export interface RecoveredState {
  readonly logId: number
  readonly head: number
  /** Everything logged up to here has been removed. */
  readonly trimmedTo: number
  /** Positions of the log's entries, ascending. */
  readonly entries: readonly number[]
  readonly highestVersion: number
  /** By DC index. */
  readonly applied: ReadonlyMap<number, AppliedPosition>
}

export interface LogEntry {
  readonly position: number
  /** Packed rows. */
  readonly payload: Buffer
}

/** A log entry, or rows of it after which more of the same entry follow. */
export type EntryPart = LogEntry & { readonly unfinished?: true }

/** Rows as they are stored at one moment. */
export interface EngineSnapshot {
  /** The records of `keys`, by position; undefined where there is no row. */
  read(keys: Float64Array): Promise<(Buffer | undefined)[]>
  /** All rows, in pages of which none takes long to handle. */
  pages(): AsyncIterable<RowPage>
  close(): Promise<void>
}

export interface RowPage {
  readonly keys: readonly number[]
  readonly records: readonly Buffer[]
}

export interface Engine {
  open(): Promise<RecoveredState>
  /** No row that is unknown has a version above this one. It changes only with a commit. */
  horizon(): number
  /**
   * The version of the row as put so far, committed or not; 0 where there is none, NaN where telling would take a read.
   * `knownDot` is the dot that goes with the last answer.
   */
  known(key: number): number
  readonly knownDot: number
  /**
   * The row as put so far, committed or not; null where there is none, undefined where telling would take a read. Asked only
   * of an engine that was told to remember records.
   */
  record(key: number): Buffer | null | undefined
  /** Reads rows from storage so that `known`, and `record` if need be, can answer. What was loaded must have been committed. */
  learn(keys: readonly number[]): Promise<void>
  put(key: number, version: number, dot: number, record: Buffer): void
  /** Puts a row that `known` need not remember. */
  putLoaded(key: number, version: number, record: Buffer): void
  append(position: number, payload: Buffer): void
  removeEntry(position: number): void
  setApplied(dcIndex: number, applied: AppliedPosition): void
  /** Makes all that was put since the last commit visible and durable, in one step. One at a time. */
  commit(head: number, highestVersion: number): Promise<void>
  /** Committed rows of one moment, by position. */
  read(keys: Float64Array): Promise<(Buffer | undefined)[]>
  snapshot(): EngineSnapshot
  /** Log entries after a position, up to about `bytesMax`; at least one where there is one. */
  entriesAfter(position: number, bytesMax: number): Promise<LogEntry[]>
  /** Writes out what is still only in memory. */
  flush(): Promise<void>
  describe(): { readonly version: string; readonly settings: Readonly<Record<string, string>> }
  /** The engine's own figures, cheap to take. */
  figures(): Readonly<Record<string, number>>
  close(): Promise<void>
}
