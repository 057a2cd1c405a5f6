// The engine of memory nodes: a map from key to record and a list of log entries. Nothing outlives the process.
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
import { recordDot, recordVersion } from '../replication/node/packed-rows.ts'

const PAGE_ROWS = 2000

export class MemoryEngine implements Engine {
  readonly #rows = new Map<number, Buffer>()
  readonly #entries = new Map<number, Buffer>()
  readonly #settings: Readonly<Record<string, string>>
  /** For each open snapshot, what rows changed since were before. */
  readonly #snapshots = new Set<Map<number, Buffer | undefined>>()
  knownDot = 0

  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings
  }

  open(): Promise<RecoveredState> {
    const logId = randomInt(1, 2 ** 47)
    return Promise.resolve({ logId, head: 0, trimmedTo: 0, entries: [], highestVersion: 0, applied: new Map() })
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

  learn(): Promise<void> {
    return Promise.resolve()
  }

  put(key: number, _version: number, _dot: number, record: Buffer): void {
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
  }

  removeEntry(position: number): void {
    this.#entries.delete(position)
  }

  setApplied(_dcIndex: number, _applied: AppliedPosition): void {
    // What is applied is as volatile as the rows: a restarted node has neither.
  }

  commit(): Promise<void> {
    return Promise.resolve()
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

  flush(): Promise<void> {
    return Promise.resolve()
  }

  describe(): { readonly version: string; readonly settings: Readonly<Record<string, string>> } {
    return { version: `map of Node ${process.versions.node}`, settings: this.#settings }
  }

  figures(): Readonly<Record<string, number>> {
    return { stored_rows: this.#rows.size }
  }

  close(): Promise<void> {
    return Promise.resolve()
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
