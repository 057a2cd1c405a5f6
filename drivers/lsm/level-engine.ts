// The engine of lsm nodes: LevelDB through classic-level, one chained batch a commit (the array form is 3.3 times slower).
import { randomInt } from 'node:crypto'
import { createRequire } from 'node:module'
import { type ChainedBatch, ClassicLevel } from 'classic-level'
import type { BenchError } from '../../bench/contract/errors.ts'
import { DC_COUNT_MAX } from '../../bench/contract/topology.ts'
import type { AppliedPosition, Engine, EngineSnapshot, LogEntry, RecoveredState } from '../replication/node/engine.ts'
import { decodeExactly, encodeNumbers } from '../replication/node/message.ts'
import { PackedRows, recordDot, recordVersion } from '../replication/node/packed-rows.ts'
import { checkFolder } from './folder-check.ts'
import { levelFailure } from './level-failures.ts'
import { levelFigures } from './level-figures.ts'
import { type Ask, type Level, logAfter, rowNames, snapshotOf } from './level-reads.ts'
import { RecentRecords } from './recent-records.ts'
import { RecentVersions } from './recent-versions.ts'
import type { LsmSettings } from './settings.ts'
import {
  AFTER_ALL,
  LOG_END,
  NAME_BYTES,
  STATE_NAME,
  appliedName,
  numberIn,
  writeLogName,
  writeRowName,
} from './storage-keys.ts'

/** What an engine has to say that is no answer. */
interface LevelEvents {
  /** A line for the node's log. */
  readonly log: (line: string) => void
  /** LevelDB says that its data is damaged or cannot be read: the node must end. What was asked is rejected with the same. */
  readonly failed: (failure: BenchError) => void
}

const NOBODY: LevelEvents = { log: () => undefined, failed: () => undefined }

export class LevelEngine implements Engine {
  readonly #folder: string
  readonly #events: LevelEvents
  #level!: Level
  readonly #settings: LsmSettings
  // LevelDB copies names at once, so one buffer serves for all of them.
  readonly #name = Buffer.alloc(NAME_BYTES)
  #recent: RecentVersions
  readonly #records: RecentRecords | undefined
  #batch!: ChainedBatch<Level, Buffer, Buffer>
  #dirty = false
  #logId = 0

  /** @param remembersRecords whether `record` will be asked. */
  constructor(folder: string, settings: LsmSettings, remembersRecords: boolean, events = NOBODY) {
    this.#folder = folder
    this.#events = events
    this.#settings = settings
    this.#records = remembersRecords ? new RecentRecords(settings.recentRecordBytes) : undefined
    this.#recent = new RecentVersions(settings.recentRows, 0)
  }

  /** Rejects with a BenchError where the folder is damaged (FORMAT), is held by another, or cannot be read or written. */
  async open(): Promise<RecoveredState> {
    try {
      for (const line of checkFolder(this.#folder)) this.#events.log(line)
      // Not before: it opens by itself in the turn after it was made.
      this.#level = new ClassicLevel(this.#folder, {
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        compression: this.#settings.compression,
        writeBufferSize: this.#settings.writeBufferBytes,
        cacheSize: this.#settings.blockCacheBytes,
        maxFileSize: this.#settings.tableFileBytes,
      })
      await this.#level.open()
      return await this.#recover()
    } catch (error) {
      throw levelFailure(error, this.#folder) ?? error
    }
  }

  async #recover(): Promise<RecoveredState> {
    this.#batch = this.#level.batch()
    const state = await this.#level.get(STATE_NAME)
    // A new log gets a number of its own, so that peers do not take it for one that was lost.
    const [head, highestVersion, logId] = state === undefined ? [0, 0, randomInt(1, 2 ** 47)] : decodeExactly(state, 3)
    this.#logId = logId
    this.#recent = new RecentVersions(this.#settings.recentRows, highestVersion)
    const entries: number[] = []
    for await (const name of this.#level.keys({ gte: writeLogName(Buffer.alloc(NAME_BYTES), 0), lt: LOG_END })) {
      entries.push(numberIn(name))
    }
    let trimmedTo = head
    if (entries.length > 0) {
      const [first] = await logAfter(this.#level, 0, 1)
      trimmedTo = first.position - PackedRows.trusted(first.payload).count
    }
    const applied = new Map<number, AppliedPosition>()
    for (let dcIndex = 0; dcIndex < DC_COUNT_MAX; dcIndex++) {
      const stored = await this.#level.get(appliedName(dcIndex))
      if (stored === undefined) continue
      const [peerLog, position] = decodeExactly(stored, 2)
      applied.set(dcIndex, { logId: peerLog, position })
    }
    // The log's number must survive before any peer hears of it.
    this.#dirty = true
    await this.commit(head, highestVersion)
    return { logId, head, trimmedTo, entries, highestVersion, applied }
  }

  horizon(): number {
    return this.#recent.horizon
  }

  get knownDot(): number {
    return this.#recent.dot
  }

  known(key: number): number {
    return this.#recent.find(key)
  }

  record(key: number): Buffer | null | undefined {
    return this.#records?.find(key)
  }

  async learn(keys: readonly number[]): Promise<void> {
    let learned = false
    while (!learned) {
      const rotations = this.#rotations
      const records = await this.read(keys)
      // A row written while it was read is remembered, unless two generations were forgotten meanwhile.
      learned = this.#rotations - rotations < 2
      if (!learned) continue
      for (let i = 0; i < keys.length; i++) {
        const record = records[i]
        if (this.#records?.find(keys[i]) === undefined) this.#records?.remember(keys[i], record ?? null)
        if (!Number.isNaN(this.#recent.find(keys[i]))) continue
        if (record === undefined) this.#recent.remember(keys[i], 0, 0)
        else this.#recent.remember(keys[i], recordVersion(record), recordDot(record))
      }
    }
  }

  get #rotations(): number {
    return this.#recent.rotations + (this.#records?.rotations ?? 0)
  }

  put(key: number, version: number, dot: number, record: Buffer): void {
    this.#recent.remember(key, version, dot)
    this.#records?.remember(key, record)
    this.#batch.put(writeRowName(this.#name, key), record)
    this.#dirty = true
  }

  putLoaded(key: number, version: number, record: Buffer): void {
    if (version > this.#recent.horizon) this.#recent.horizon = version
    this.#batch.put(writeRowName(this.#name, key), record)
    this.#dirty = true
  }

  append(position: number, payload: Buffer): void {
    this.#batch.put(writeLogName(this.#name, position), payload)
    this.#dirty = true
  }

  removeEntry(position: number): void {
    this.#batch.del(writeLogName(this.#name, position))
    this.#dirty = true
  }

  setApplied(dcIndex: number, { logId, position }: AppliedPosition): void {
    this.#batch.put(appliedName(dcIndex), encodeNumbers([logId, position]))
    this.#dirty = true
  }

  async commit(head: number, highestVersion: number): Promise<void> {
    if (!this.#dirty) return
    this.#dirty = false
    this.#recent.rotateIfFull()
    this.#records?.rotateIfFull()
    const batch = this.#batch
    this.#batch = this.#level.batch()
    batch.put(STATE_NAME, encodeNumbers([head, highestVersion, this.#logId]))
    try {
      await batch.write({ sync: this.#settings.sync })
    } catch (error) {
      throw levelFailure(error, this.#folder) ?? error
    }
  }

  read(keys: ArrayLike<number>): Promise<(Buffer | undefined)[]> {
    return this.#ask(this.#level.getMany(rowNames(keys)))
  }

  snapshot(): EngineSnapshot {
    return snapshotOf(this.#level, this.#ask)
  }

  entriesAfter(position: number, bytesMax: number): Promise<LogEntry[]> {
    return this.#ask(logAfter(this.#level, position, bytesMax))
  }

  /**
   * Brings LevelDB's log to the disk and its memory tables into table files. Compacting an empty range does the latter and
   * nothing else; what the node compacts by itself because of it is its own affair.
   */
  async flush(): Promise<void> {
    await this.#writeNothing(true)
    await this.#level.compactRange(AFTER_ALL, AFTER_ALL)
    // Compacting does not tell that it failed; but then nothing is written any more.
    await this.#writeNothing(false)
  }

  #writeNothing(sync: boolean): Promise<void> {
    return this.#ask(this.#level.batch().put(AFTER_ALL, Buffer.alloc(0)).del(AFTER_ALL).write({ sync }))
  }

  describe(): { readonly version: string; readonly settings: Readonly<Record<string, string>> } {
    const { version } = createRequire(import.meta.url)('classic-level/package.json') as { version: string }
    const settings = Object.entries(this.#settings).map(([name, value]) => [name, String(value)])
    return { version: `classic-level ${version} (LevelDB 1.20)`, settings: Object.fromEntries(settings) }
  }

  figures(): Readonly<Record<string, number>> {
    return levelFigures(this.#level)
  }

  async close(): Promise<void> {
    await this.#level.close()
  }

  readonly #ask: Ask = (question) =>
    question.catch((error: unknown) => {
      const failure = levelFailure(error, this.#folder)
      if (failure !== undefined) this.#events.failed(failure)
      throw failure ?? error
    })
}
