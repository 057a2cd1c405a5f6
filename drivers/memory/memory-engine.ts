// The engine of memory nodes: a map from key to record and a list of log entries. A durable one writes every commit to a file
// and reads it at its start; without one nothing outlives the process.
import { randomInt } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type {
  AppliedPosition,
  Engine,
  EngineSnapshot,
  LogEntry,
  RecoveredState,
  RowPage,
} from '../replication/node/engine.ts'
import { PackedRows, recordDot, recordVersion, withoutRows } from '../replication/node/packed-rows.ts'
import { CHANGE, MemoryFile } from './memory-file.ts'

const PAGE_ROWS = 2000

/** Rows that a durable node leaves out of its file on purpose. */
export interface Forgetting {
  forgets(dot: number): boolean
  /** A row was left out: now, or, `lost`, in the life that a crash ended. */
  forgotten(key: number, dot: number, version: number, lost: boolean): void
}

interface Durable {
  readonly folder: string
  readonly forgetting: Forgetting
}

export class MemoryEngine implements Engine {
  readonly #rows = new Map<number, Buffer>()
  readonly #entries = new Map<number, Buffer>()
  readonly #settings: Readonly<Record<string, string>>
  /** For each open snapshot, what rows changed since were before. */
  readonly #snapshots = new Set<Map<number, Buffer | undefined>>()
  #durable: Durable | undefined
  #file: MemoryFile | undefined
  knownDot = 0

  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings
  }

  /** Opens a file for the rows to outlive the process; call it before `open`, which reads it. */
  makeDurable({ folder, forgetting }: Durable): void {
    this.#durable = { folder, forgetting }
  }

  open(): Promise<RecoveredState> {
    const recovered = {
      logId: 0,
      head: 0,
      trimmedTo: 0,
      highestVersion: 0,
      applied: new Map<number, AppliedPosition>(),
    }
    if (this.#durable !== undefined) this.#file = new MemoryFile(this.#durable.folder, this.#replay(recovered))
    if (recovered.logId === 0) {
      // A new log gets a number of its own, so that peers do not take it for one that was lost.
      recovered.logId = randomInt(1, 2 ** 47)
      this.#file?.add(CHANGE.log, [recovered.logId])
      this.#file?.commit(0, 0)
    }
    return Promise.resolve({ ...recovered, entries: [...this.#entries.keys()] })
  }

  /** No row is ever unknown. */
  horizon(): number {
    return 0
  }

  known(key: number): number {
    const record = this.#rows.get(key)
    if (record === undefined) return 0
    this.knownDot = recordDot(record)
    return recordVersion(record)
  }

  record(key: number): Buffer | null {
    return this.#rows.get(key) ?? null
  }

  learn(): Promise<void> {
    return Promise.resolve()
  }

  put(key: number, version: number, dot: number, record: Buffer): void {
    if (this.#durable?.forgetting.forgets(dot) === true) {
      this.#file?.add(CHANGE.forgotten, [key, dot, version])
      this.#durable.forgetting.forgotten(key, dot, version, false)
    } else this.#file?.add(CHANGE.row, [key], record)
    for (const before of this.#snapshots) {
      if (!before.has(key)) before.set(key, this.#rows.get(key))
    }
    // A copy: the record is a slice of a whole request, which would otherwise live as long as its last row.
    this.#rows.set(key, Buffer.from(record))
  }

  putLoaded(key: number, version: number, record: Buffer): void {
    this.put(key, version, 0, record)
  }

  append(position: number, payload: Buffer): void {
    this.#entries.set(position, payload)
    this.#file?.add(CHANGE.entry, [position], this.#remembered(payload))
  }

  removeEntry(position: number): void {
    this.#entries.delete(position)
    this.#file?.add(CHANGE.entryRemoved, [position])
  }

  setApplied(dcIndex: number, { logId, position }: AppliedPosition): void {
    this.#file?.add(CHANGE.applied, [dcIndex, logId, position])
  }

  async commit(head: number, highestVersion: number): Promise<void> {
    this.#file?.commit(head, highestVersion)
  }

  read(keys: ArrayLike<number>): Promise<(Buffer | undefined)[]> {
    return Promise.resolve(Array.from(keys, (key) => this.#rows.get(key)))
  }

  snapshot(): EngineSnapshot {
    const before = new Map<number, Buffer | undefined>()
    const rows = this.#rows
    this.#snapshots.add(before)
    const get = (key: number) => (before.has(key) ? before.get(key) : rows.get(key))
    return {
      read: (keys) => Promise.resolve(Array.from(keys, get)),
      pages: () => pagesOf(rows, get),
      close: () => {
        this.#snapshots.delete(before)
        return Promise.resolve()
      },
    }
  }

  entriesAfter(position: number, bytesMax: number): Promise<LogEntry[]> {
    const entries: LogEntry[] = []
    let bytes = 0
    // Entries are held in the order of their positions.
    for (const [at, payload] of this.#entries) {
      if (at <= position) continue
      entries.push({ position: at, payload })
      bytes += payload.length
      if (bytes >= bytesMax) break
    }
    return Promise.resolve(entries)
  }

  async flush(): Promise<void> {
    await this.#file?.sync()
  }

  describe(): { readonly version: string; readonly settings: Readonly<Record<string, string>> } {
    return { version: `map of Node ${process.versions.node}`, settings: this.#settings }
  }

  figures(): Readonly<Record<string, number>> {
    return { stored_rows: this.#rows.size, ...(this.#file && { file_bytes: this.#file.bytes }) }
  }

  async close(): Promise<void> {
    this.#file?.close()
  }

  /** Packed rows but for those that the file is to forget. */
  #remembered(payload: Buffer): Buffer {
    const rows = PackedRows.trusted(payload)
    const dropped = new Set<number>()
    for (let i = 0; i < rows.count; i++) if (this.#durable?.forgetting.forgets(rows.dot(i)) === true) dropped.add(i)
    return dropped.size === 0 ? payload : withoutRows(rows, dropped).bytes
  }

  /** Takes changes in as the file tells them, and notes where the log stood. */
  #replay(
    recovered: { -readonly [Name in keyof Omit<RecoveredState, 'entries' | 'applied'>]: number } & {
      readonly applied: Map<number, AppliedPosition>
    },
  ) {
    return (kind: number, a: number, b: number, c: number, bytes: Buffer): void => {
      if (kind === CHANGE.row) this.#rows.set(a, Buffer.from(bytes))
      else if (kind === CHANGE.entry) this.#entries.set(a, Buffer.from(bytes))
      else if (kind === CHANGE.entryRemoved) {
        this.#entries.delete(a)
        recovered.trimmedTo = a
      } else if (kind === CHANGE.applied) recovered.applied.set(a, { logId: b, position: c })
      else if (kind === CHANGE.log) recovered.logId = a
      else if (kind === CHANGE.forgotten) this.#durable?.forgetting.forgotten(a, b, c, true)
      else if (kind === CHANGE.head) {
        recovered.head = a
        recovered.highestVersion = b
      } else throw new TypeError(`a change of kind ${kind} in the node’s file`)
    }
  }
}

/** Rows that came after the snapshot stand last in the map, and `get` does not know them. */
async function* pagesOf(
  rows: ReadonlyMap<number, Buffer>,
  get: (key: number) => Buffer | undefined,
): AsyncGenerator<RowPage> {
  let page: { keys: number[]; records: Buffer[] } = { keys: [], records: [] }
  for (const key of rows.keys()) {
    const record = get(key)
    if (record === undefined) continue
    page.keys.push(key)
    page.records.push(record)
    if (page.keys.length < PAGE_ROWS) continue
    yield page
    page = { keys: [], records: [] }
    await setImmediate()
  }
  yield page
}
