// One node's table and log: takes local writes and remote entries, decides by version, and commits what came in meanwhile
// as one group. A fast writer so never waits for a commit before its next rows are put, and commits stay in order.
import type { Column } from '../../../bench/contract/table.ts'
import { CounterColumns } from './counter-columns.ts'
import type { Disturbance } from './disturbance.ts'
import type { AppliedPosition, Engine, EntryPart, LogEntry, RecoveredState } from './engine.ts'
import { FoundRows } from './found-rows.ts'
import { GroupCommit } from './group-commit.ts'
import { LocalRows } from './local-rows.ts'
import { Log } from './log.ts'
import { PackedRows, packRecords, recordDot, recordVersion } from './packed-rows.ts'
import { RowVectors, joinVector, joinedCopy } from './row-vectors.ts'
import { Wrongs } from './wrongs.ts'
import type { WriteAnswer } from './write-answer.ts'

/** Who a store is among the DCs, and what its rows are. */
interface StoreIdentity {
  readonly dcIndex: number
  readonly peers: readonly number[]
  /** DCs of the version vector that every row has; 0: rows have none. */
  readonly vectorDcs: number
  readonly columns: readonly Column[]
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
  readonly disturbance: Disturbance | undefined
  readonly #wrongs: Wrongs | undefined
  #highestVersion: number
  #applied: Map<number, AppliedPosition>
  readonly #commits: GroupCommit
  #entries: LogEntry[] = []
  #closed = false
  #uncommittedLoads = 0
  readonly #found: FoundRows
  readonly #vectors: RowVectors | undefined
  readonly #localRows: LocalRows

  /** @param fatal called when the engine can no longer write: what is in memory is then ahead of it for good. */
  constructor(
    engine: Engine,
    recovered: RecoveredState,
    identity: StoreIdentity,
    disturbance: Disturbance | undefined,
    fatal: (error: unknown) => void,
  ) {
    this.engine = engine
    this.logId = recovered.logId
    this.log = new Log(identity.peers, recovered)
    this.disturbance = disturbance
    this.#wrongs =
      disturbance &&
      new Wrongs(disturbance, {
        always: (key, record) => {
          const before = engine.record(key)
          const joined = before && joinedCopy(record, before)
          engine.put(key, recordVersion(record), recordDot(record), joined ?? record)
        },
        asUsual: (key, record) => {
          const rows = PackedRows.trusted(packRecords([key], [record]))
          this.#takeIn(rows, 0, engine.known(key), engine.record(key) ?? null)
        },
        commit: () => this.#commits.add(() => {}),
      })
    this.#commits = new GroupCommit(() => this.#commitGroup(), fatal)
    this.#highestVersion = recovered.highestVersion
    this.#applied = new Map(recovered.applied)
    this.#found = new FoundRows(engine)
    const { dcIndex, vectorDcs } = identity
    this.#vectors = vectorDcs === 0 ? undefined : new RowVectors(vectorDcs, dcIndex)
    this.#localRows = new LocalRows({
      dcIndex,
      found: this.#found,
      vectors: this.#vectors,
      counterColumns: new CounterColumns(identity.columns),
      disturbance,
      counters: this.counters,
      put: (rows, row, version, dot) => this.#put(rows, row, version, dot),
    })
  }

  /** DCs of every row's version vector; 0: rows have none. */
  get vectorDcs(): number {
    return this.#vectors?.dcs ?? 0
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
  write(rows: PackedRows, done: (answer: WriteAnswer) => void): void | Promise<void> {
    const needsRecord = this.#localRows.needsRecord(rows)
    const look = () => this.#found.look(rows, needsRecord)
    const change = () => {
      const { answer, shipped } = this.#localRows.put(rows)
      this.#logEntry(shipped)
      return () => done(answer)
    }
    const put = () => this.#commits.put(change)
    if (look()) return put()
    return this.#learn(look, 'write_reads_rows', put)
  }

  /** Applies a log entry of a peer, unless it was applied before or the peer's log is another by now; as `write`. */
  apply(dcIndex: number, logId: number, entry: EntryPart, done: () => void): void | Promise<void> {
    const rows = PackedRows.parse(entry.payload, this.vectorDcs)
    this.#localRows.check(rows)
    const look = () => this.#found.look(rows, this.#vectors && (() => true))
    const put = () => this.#putRemote(rows, dcIndex, { logId, ...entry }, done)
    if (look()) return put()
    return this.#learn(look, 'apply_reads_rows', put)
  }

  /** Stores rows without logging them. */
  load(rows: PackedRows, done: () => void): void {
    this.#localRows.check(rows)
    for (let i = 0; i < rows.count; i++) {
      this.#highestVersion = Math.max(rows.version(i), this.#highestVersion)
      this.engine.putLoaded(rows.key(i), rows.version(i), rows.record(i))
    }
    this.#uncommittedLoads++
    this.#commits.add(() => {
      this.#uncommittedLoads--
      done()
    })
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
    this.#wrongs?.close()
    await new Promise<void>((resolve) => this.whenCommitted(resolve))
    await this.engine.close()
  }

  /** Reads what is unknown and puts the rows in the very turn in which all is known. */
  async #learn(look: () => boolean, counter: 'write_reads_rows' | 'apply_reads_rows', put: () => void): Promise<void> {
    do {
      const { unknown } = this.#found
      this.counters[counter] += unknown.length
      // An engine remembers what was put until after it is committed, but for what was loaded.
      if (this.#uncommittedLoads > 0) await new Promise<void>((resolve) => this.whenCommitted(resolve))
      if (this.#closed) return
      await this.engine.learn(unknown)
      if (this.#closed) return
    } while (!look())
    put()
  }

  #putRemote(rows: PackedRows, dcIndex: number, part: AppliedPosition & EntryPart, done: () => void): void {
    const { logId, position, unfinished } = part
    const last = this.appliedOf(dcIndex)
    if (logId !== last.logId || position <= last.position) {
      this.counters.skipped_entries++
      return this.whenCommitted(done)
    }
    for (let i = 0; i < rows.count; i++) {
      const known = this.#found.versions[i]
      const wrong = this.disturbance?.arrival(rows.key(i), rows.record(i), known)
      if (wrong !== undefined && this.#wrongs?.take(rows.key(i), rows.record(i), wrong) === true) continue
      this.#takeIn(rows, i, known, this.#found.records[i])
    }
    if (unfinished === true) return this.#commits.add(done)
    this.resumeFrom(dcIndex, { logId, position })
    this.engine.setApplied(dcIndex, { logId, position })
    this.#commits.add(done)
  }

  #put(rows: PackedRows, row: number, version: number, dot: number): void {
    this.#highestVersion = Math.max(version, this.#highestVersion)
    this.engine.put(rows.key(row), version, dot, rows.record(row))
  }

  /** A remote row over one of version `known`: the higher version wins, and has then seen both, where rows have vectors. */
  #takeIn(rows: PackedRows, row: number, known: number, before: Buffer | null): void {
    const version = rows.version(row)
    if (this.#vectors !== undefined && before !== null) {
      if (version > known) joinVector(rows.record(row), before)
      else this.#keep(rows.key(row), before, rows.record(row))
    }
    if (version > known) {
      this.#put(rows, row, version, rows.dot(row))
      this.counters.applied_rows++
    } else if (version === known) this.counters.repeated_rows++
    else this.counters.discarded_rows++
  }

  #keep(key: number, kept: Buffer, beaten: Buffer): void {
    const joined = joinedCopy(kept, beaten)
    if (joined !== undefined) this.engine.put(key, recordVersion(kept), recordDot(kept), joined)
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
