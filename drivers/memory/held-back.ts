// Rows that are held back while later ones of their DC go ahead: which of them were seen late because of it.

interface HeldRow {
  readonly key: number
  readonly version: number
  /** Version of the first row of its DC, of another key, that went ahead. */
  aheadVersion: number | undefined
}

/** Rows of one batch have one version and become visible together: none of them overtakes another. */
export class HeldBack {
  /** DC → dot → row. */
  readonly #held = new Map<number, Map<number, HeldRow>>()
  readonly #overtaken: (dot: number) => void

  constructor(overtaken: (dot: number) => void) {
    this.#overtaken = overtaken
  }

  hold(dcIndex: number, dot: number, key: number, version: number): void {
    let rows = this.#held.get(dcIndex)
    if (rows === undefined) this.#held.set(dcIndex, (rows = new Map()))
    rows.set(dot, { key, version, aheadVersion: undefined })
  }

  /** A row of this DC goes ahead. One of the same key shows all that its writer wrote before, so that nothing of it is late any more. */
  passes(dcIndex: number, key: number, version: number): void {
    const rows = this.#held.get(dcIndex)
    if (rows === undefined) return
    for (const [dot, row] of rows) {
      if (version <= row.version) continue
      if (row.key !== key) row.aheadVersion ??= version
      else this.#end(rows, dot, version)
    }
  }

  /** A row is taken in at last. */
  release(dcIndex: number, dot: number): void {
    const rows = this.#held.get(dcIndex)
    if (rows !== undefined) this.#end(rows, dot, Number.POSITIVE_INFINITY)
  }

  #end(rows: Map<number, HeldRow>, dot: number, shownWith: number): void {
    const ahead = rows.get(dot)?.aheadVersion
    rows.delete(dot)
    if (ahead !== undefined && ahead < shownWith) this.#overtaken(dot)
  }
}
