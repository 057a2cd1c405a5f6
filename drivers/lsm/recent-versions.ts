// The versions of recently written rows, in two generations: with the highest version ever forgotten as a horizon, most rows
// can be decided without reading storage. A row that is not here is stored, if at all, with a version at or below the horizon.
import { VersionTable } from './version-table.ts'

export class RecentVersions {
  horizon: number
  /** The dot that goes with the last version found. */
  dot = 0
  /** How often a generation was forgotten. */
  rotations = 0
  readonly #rows: number
  #current: VersionTable
  #previous: VersionTable
  #currentHighest = 0
  #previousHighest = 0

  /**
   * @param rows rows of a generation: at least that many of the last rows written are remembered.
   * @param horizon the highest version stored so far.
   */
  constructor(rows: number, horizon: number) {
    this.#rows = rows
    this.horizon = horizon
    this.#current = new VersionTable(rows)
    this.#previous = new VersionTable(rows)
  }

  /** The version of a row, or NaN where it is not remembered. */
  find(key: number): number {
    let table = this.#current
    let slot = table.find(key)
    if (slot < 0) {
      table = this.#previous
      slot = table.find(key)
      if (slot < 0) return Number.NaN
    }
    this.dot = table.dotAt(slot)
    return table.versionAt(slot)
  }

  remember(key: number, version: number, dot: number): void {
    this.#current.set(key, version, dot)
    if (version > this.#currentHighest) this.#currentHighest = version
  }

  /** Forgets the older generation when the newer one is full. Called between requests, never within one. */
  rotateIfFull(): void {
    if (this.#current.size < this.#rows) return
    if (this.#previousHighest > this.horizon) this.horizon = this.#previousHighest
    this.#previousHighest = this.#currentHighest
    this.#currentHighest = 0
    const emptied = this.#previous
    emptied.clear()
    this.#previous = this.#current
    this.#current = emptied
    this.rotations++
  }
}
