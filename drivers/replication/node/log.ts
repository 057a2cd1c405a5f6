// A node's log of its own writes, as far as it is in memory: where it ends, its recent entries, what peers have applied.
// A position counts rows: an entry's position is the number of rows logged up to and including it, so that a backlog is a difference.
import type { LogEntry, RecoveredState } from './engine.ts'

/** Recent payloads are kept in two generations of this size, so that a peer that keeps up never makes the node read its log back. */
const GENERATION_BYTES = 16 << 20
/** Entries are removed from the log in runs of at least this many, or when the node is idle. */
const TRIM_ENTRIES = 64

export class Log {
  /** The position of the last entry, committed or not. */
  head: number
  /** The position of the last committed entry: nothing beyond it is shipped. */
  committed: number
  /** Everything up to this position is gone. */
  trimmedTo: number
  #older: LogEntry[] = []
  #newer: LogEntry[] = []
  #newerBytes = 0
  /** Everything after this position is in the two generations. */
  #recentFrom: number
  #newerFrom: number
  /** Positions of entries, the first `#removed` of which are gone. */
  #positions: number[]
  #removed = 0
  readonly #acknowledged = new Map<number, number>()
  readonly #listeners = new Set<() => void>()

  /** @param peers indices of the DCs that must acknowledge an entry before it goes. */
  constructor(peers: readonly number[], { head, trimmedTo, entries }: RecoveredState) {
    this.head = head
    this.committed = head
    this.trimmedTo = trimmedTo
    this.#recentFrom = head
    this.#newerFrom = head
    this.#positions = [...entries]
    for (const peer of peers) this.#acknowledged.set(peer, trimmedTo)
  }

  /** Without peers nothing need be logged. */
  get needed(): boolean {
    return this.#acknowledged.size > 0
  }

  get heldEntries(): number {
    return this.#positions.length - this.#removed
  }

  acknowledgedBy(dcIndex: number): number {
    return this.#acknowledged.get(dcIndex) ?? 0
  }

  /** Takes the next place for `rows` rows; returns its position. */
  reserve(rows: number): number {
    this.head += rows
    this.#positions.push(this.head)
    return this.head
  }

  /** An entry was committed: peers may have it. Entries come in their order. */
  publish(entry: LogEntry): void {
    this.committed = entry.position
    this.#newer.push(entry)
    this.#newerBytes += entry.payload.length
    if (this.#newerBytes > GENERATION_BYTES) {
      this.#older = this.#newer
      this.#recentFrom = this.#newerFrom
      this.#newer = []
      this.#newerBytes = 0
      this.#newerFrom = entry.position
    }
    for (const listener of this.#listeners) listener()
  }

  /** The next entries after `position` from memory; undefined where they must be read from the engine. */
  recentAfter(position: number, bytesMax: number): LogEntry[] | undefined {
    if (position < this.#recentFrom) return undefined
    const generation = position < this.#newerFrom ? this.#older : this.#newer
    const found: LogEntry[] = []
    let bytes = 0
    for (let i = firstAfter(generation, position); i < generation.length && bytes < bytesMax; i++) {
      found.push(generation[i])
      bytes += generation[i].payload.length
    }
    return found
  }

  /** A peer says up to where it has applied the log. */
  acknowledge(dcIndex: number, position: number): void {
    if (position > this.acknowledgedBy(dcIndex) && position <= this.head) this.#acknowledged.set(dcIndex, position)
  }

  /** A peer starts to follow from `position`, which may be further back than it was, if it has lost its data. */
  resume(dcIndex: number, position: number): void {
    this.#acknowledged.set(dcIndex, position)
  }

  /** Positions of entries that every peer has applied; the caller removes them. A few are left for later unless `all`. */
  takeTrimmable(all: boolean): number[] {
    const upTo = Math.min(...this.#acknowledged.values())
    let end = this.#removed
    while (end < this.#positions.length && this.#positions[end] <= upTo) end++
    if (end === this.#removed || (!all && end - this.#removed < TRIM_ENTRIES)) return []
    const taken = this.#positions.slice(this.#removed, end)
    this.trimmedTo = taken[taken.length - 1]
    this.#removed = end
    if (end > 4096 && end * 2 > this.#positions.length) {
      this.#positions = this.#positions.slice(end)
      this.#removed = 0
    }
    return taken
  }

  /** Calls `listener` whenever there is more to ship, until the returned function is called. */
  onPublish(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

function firstAfter(entries: readonly LogEntry[], position: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entries[middle].position > position) high = middle
    else low = middle + 1
  }
  return low
}
