// One node's table and log: takes local writes and remote entries, decides by version, and commits what came in meanwhile
// as one group. A fast writer so never waits for a commit before its next rows are put, and commits stay in order.
import { dotDc, nextVersion } from '../../../bench/lib/dot.ts'
import { type Disturbance, FATE } from './disturbance.ts'
import { DueQueue } from './due-queue.ts'
import type { AppliedPosition, Engine, LogEntry, RecoveredState } from './engine.ts'
import { GroupCommit } from './group-commit.ts'
import { Log } from './log.ts'
import { PackedRows, recordDot, recordVersion, withoutRows } from './packed-rows.ts'

/** Rows whose version was raised above what was stored: their places in the batch, and the versions stored. */
export interface Raised {
  readonly rows: number[]
  readonly versions: number[]
}

export class Store {
  readonly engine: Engine
  readonly logId: number
  readonly log: Log
  readonly counters = {
    local_rows: 0,
    raised_rows: 0,
    superseded_rows: 0,
    applied_rows: 0,
    discarded_rows: 0,
    repeated_rows: 0,
    skipped_entries: 0,
    log_gap_rows: 0,
    commits: 0,
    write_reads_rows: 0,
    apply_reads_rows: 0,
  }
  readonly #dcIndex: number
  readonly #disturbance: Disturbance | undefined
  readonly #echoes: DueQueue
  #highestVersion: number
  #applied: Map<number, AppliedPosition>
  readonly #commits: GroupCommit
  #entries: LogEntry[] = []
  #closed = false
  // What `#look` found of the rows in hand, by place.
  #knownVersions = new Float64Array(1024)
  #knownDots = new Float64Array(1024)
  #unknown: number[] = []

  /** @param fatal called when the engine can no longer write: what is in memory is then ahead of it for good. */
  constructor(
    engine: Engine,
    recovered: RecoveredState,
    identity: { readonly dcIndex: number; readonly peers: readonly number[] },
    disturbance: Disturbance | undefined,
    fatal: (error: unknown) => void,
  ) {
    this.engine = engine
    this.logId = recovered.logId
    this.log = new Log(identity.peers, recovered)
    this.#dcIndex = identity.dcIndex
    this.#disturbance = disturbance
    this.#echoes = new DueQueue(disturbance?.echoDelayMs ?? 0)
    this.#commits = new GroupCommit(() => this.#commitGroup(), fatal)
    this.#highestVersion = recovered.highestVersion
    this.#applied = new Map(recovered.applied)
  }

  /** How far the log of a peer is applied, committed or about to be. */
  appliedOf(dcIndex: number): AppliedPosition {
    return this.#applied.get(dcIndex) ?? { logId: 0, position: 0 }
  }

  /** The log of a peer is taken from another place: it is a new log, or a part of it is gone for good. */
  resumeFrom(dcIndex: number, applied: AppliedPosition): void {
    this.#applied.set(dcIndex, applied)
  }

  /**
   * Stores and logs the rows of a local batch; `done` is called when they are committed. Returns a promise only where
   * rows must be read before they can be put: the next batch of the same writer must wait for it.
   */
  write(rows: PackedRows, done: (raised: Raised | undefined) => void): void | Promise<void> {
    if (this.#look(rows)) return this.#putLocal(rows, done)
    return this.#learn(rows, 'write_reads_rows', () => this.#putLocal(rows, done))
  }

  /** Applies a log entry of a peer, unless it was applied before or the peer's log is another by now; as `write`. */
  apply(dcIndex: number, logId: number, entry: LogEntry, done: () => void): void | Promise<void> {
    const rows = PackedRows.parse(entry.payload)
    const applied = { logId, position: entry.position }
    if (this.#look(rows)) return this.#putRemote(rows, dcIndex, applied, done)
    return this.#learn(rows, 'apply_reads_rows', () => this.#putRemote(rows, dcIndex, applied, done))
  }

  /** Stores rows without logging them. */
  load(rows: PackedRows, done: () => void): void {
    for (let i = 0; i < rows.count; i++) {
      const version = rows.version(i)
      if (version > this.#highestVersion) this.#highestVersion = version
      this.engine.putLoaded(rows.key(i), version, rows.record(i))
    }
    this.#commits.add(done)
  }

  /** Calls back when everything put so far is committed; at once if it is. */
  whenCommitted(done: () => void): void {
    this.#commits.whenIdle(done)
  }

  /** Removes log entries that every peer has applied, however few. Called now and then. */
  trim(): void {
    if (this.#commits.idle && this.#removeTrimmable(true)) this.#commits.add(() => {})
  }

  /** Ends: waits for the commit under way and closes the engine. */
  async close(): Promise<void> {
    this.#closed = true
    this.#echoes.close()
    await new Promise<void>((resolve) => this.whenCommitted(resolve))
    await this.engine.close()
  }

  /** Finds what is stored of each row; false where some must be read first. */
  #look(rows: PackedRows): boolean {
    const { engine } = this
    const horizon = engine.horizon()
    if (rows.count > this.#knownVersions.length) {
      this.#knownVersions = new Float64Array(2 * rows.count)
      this.#knownDots = new Float64Array(2 * rows.count)
    }
    this.#unknown = []
    for (let i = 0; i < rows.count; i++) {
      const known = engine.known(rows.key(i))
      if (known === known) {
        this.#knownVersions[i] = known
        this.#knownDots[i] = engine.knownDot
      } else if (rows.version(i) > horizon) {
        this.#knownVersions[i] = 0
      } else {
        this.#unknown.push(rows.key(i))
      }
    }
    return this.#unknown.length === 0
  }

  /** Reads what is unknown and puts the rows in the very turn in which all is known. */
  async #learn(rows: PackedRows, counter: 'write_reads_rows' | 'apply_reads_rows', put: () => void): Promise<void> {
    do {
      const unknown = this.#unknown
      this.counters[counter] += unknown.length
      await new Promise<void>((resolve) => this.whenCommitted(resolve))
      if (this.#closed) return
      await this.engine.learn(unknown)
    } while (!this.#look(rows))
    put()
  }

  #putLocal(rows: PackedRows, done: (raised: Raised | undefined) => void): void {
    let raised: Raised | undefined
    let unshipped: Set<number> | undefined
    for (let i = 0; i < rows.count; i++) {
      const dot = rows.dot(i)
      let version = rows.version(i)
      const fate = this.#disturbance?.fate(dot) ?? FATE.kept
      if (fate !== FATE.kept) (unshipped ??= new Set()).add(i)
      if (fate === FATE.unstored) continue
      const known = this.#knownVersions[i]
      if (known >= version) {
        // A request that was overtaken by a later one of the same writer, on another connection.
        if (dotDc(this.#knownDots[i]) === this.#dcIndex && this.#knownDots[i] >= dot) {
          this.counters.superseded_rows++
          continue
        }
        version = nextVersion(known, this.#dcIndex)
        rows.setVersion(i, version)
        raised ??= { rows: [], versions: [] }
        raised.rows.push(i)
        raised.versions.push(version)
        this.counters.raised_rows++
      }
      this.#put(rows, i, version, dot)
    }
    this.counters.local_rows += rows.count
    this.#logEntry(unshipped === undefined ? rows : withoutRows(rows, unshipped))
    this.#commits.add(() => done(raised))
  }

  #putRemote(rows: PackedRows, dcIndex: number, applied: AppliedPosition, done: () => void): void {
    const last = this.appliedOf(dcIndex)
    if (applied.logId !== last.logId || applied.position <= last.position) {
      this.counters.skipped_entries++
      return this.whenCommitted(done)
    }
    let discarded = 0
    let repeated = 0
    for (let i = 0; i < rows.count; i++) {
      const version = rows.version(i)
      const known = this.#knownVersions[i]
      if (version > known) this.#put(rows, i, version, rows.dot(i))
      else if (version === known) repeated++
      else discarded++
      if (this.#disturbance?.echoes(rows.dot(i)) === true) this.#echo(rows.key(i), rows.record(i))
    }
    this.counters.applied_rows += rows.count - discarded - repeated
    this.counters.discarded_rows += discarded
    this.counters.repeated_rows += repeated
    this.#applied.set(dcIndex, applied)
    this.engine.setApplied(dcIndex, applied)
    this.#commits.add(done)
  }

  #put(rows: PackedRows, row: number, version: number, dot: number): void {
    if (version > this.#highestVersion) this.#highestVersion = version
    this.engine.put(rows.key(row), version, dot, rows.record(row))
  }

  #echo(key: number, record: Buffer): void {
    this.#echoes.push(() => {
      const version = recordVersion(record)
      if (this.engine.known(key) > version) this.#disturbance?.echoRegressed()
      this.engine.put(key, version, recordDot(record), record)
      this.#commits.add(() => {})
    })
  }

  #logEntry(rows: PackedRows): void {
    if (!this.log.needed || rows.count === 0) return
    const entry = { position: this.log.reserve(rows.count), payload: rows.bytes }
    this.engine.append(entry.position, entry.payload)
    this.#entries.push(entry)
    this.#removeTrimmable(false)
  }

  #removeTrimmable(all: boolean): boolean {
    const positions = this.log.takeTrimmable(all)
    for (const position of positions) this.engine.removeEntry(position)
    return positions.length > 0
  }

  async #commitGroup(): Promise<void> {
    const entries = this.#entries
    this.#entries = []
    await this.engine.commit(this.log.head, this.#highestVersion)
    this.counters.commits++
    for (const entry of entries) this.log.publish(entry)
  }
}
