// For tests: what DCs hold and know under last writer wins with version vectors, worked out apart from the driver.
import { nextVersion } from '../../bench/lib/dot.ts'

/** One row in one DC; an absent one has dot 0. */
export interface KnownRow {
  readonly dot: number
  readonly version: number
  readonly seen: readonly number[]
}

interface Shipment {
  readonly key: number
  readonly row: KnownRow
}

/** Some DCs that write for themselves and take in, when told to, what the others wrote: whole, in order, each write once. */
export class KnowingDcs {
  readonly #rows: readonly Map<number, KnownRow>[]
  readonly #waiting = new Map<string, Shipment[]>()
  readonly #nothing: KnownRow
  /** How many rows that arrived were beaten, and brought something new all the same. */
  beatenButNew = 0

  constructor(dcCount: number) {
    this.#rows = Array.from({ length: dcCount }, () => new Map())
    this.#nothing = { dot: 0, version: 0, seen: Array.from({ length: dcCount }, () => 0) }
  }

  held(dc: number, key: number): KnownRow {
    return this.#rows[dc].get(key) ?? this.#nothing
  }

  keys(dc: number): number[] {
    return [...this.#rows[dc].keys()].sort((a, b) => a - b)
  }

  /** A row that is everywhere before anybody writes. */
  load(key: number, dot: number, version: number): void {
    for (const rows of this.#rows) rows.set(key, { ...this.#nothing, dot, version })
  }

  /** Returns what the write found. */
  write(dc: number, key: number, dot: number, version: number): KnownRow {
    const found = this.held(dc, key)
    const seen = found.seen.map((known, other) => (other === dc ? dot : known))
    const row = { dot, version: Math.max(version, nextVersion(found.version, dc)), seen }
    this.#rows[dc].set(key, row)
    this.#rows.forEach((_, to) => {
      if (to !== dc) this.#queue(dc, to).push({ key, row })
    })
    return found
  }

  /** Lets everything that was written elsewhere arrive in one DC. */
  takeIn(dc: number): void {
    this.#rows.forEach((_, from) => {
      if (from === dc) return
      for (const { key, row } of this.#queue(from, dc).splice(0)) {
        const held = this.held(dc, key)
        const seen = held.seen.map((known, other) => Math.max(known, row.seen[other]))
        const beaten = row.version <= held.version
        if (beaten && seen.some((known, other) => known > held.seen[other])) this.beatenButNew++
        this.#rows[dc].set(key, beaten ? { ...held, seen } : { ...row, seen })
      }
    })
  }

  #queue(from: number, to: number): Shipment[] {
    const name = `${from}>${to}`
    const queue = this.#waiting.get(name) ?? []
    this.#waiting.set(name, queue)
    return queue
  }
}
