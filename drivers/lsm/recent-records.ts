// The records of recently written and read rows, in two generations, for nodes that must look into a row to replace it. What
// was put is remembered at least until it is committed, since a generation is forgotten only as a later commit begins.

/** What the map and the view of the record take beside it. */
const ENTRY_BYTES = 150

export class RecentRecords {
  /** How often a generation was forgotten. */
  rotations = 0
  readonly #bytesMax: number
  #current = new Map<number, Buffer | null>()
  #previous = new Map<number, Buffer | null>()
  #bytes = 0

  /** @param bytesMax bytes of records, the replaced ones included, after which a generation is full. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The record of a row; null where there is none, undefined where that is not remembered. */
  find(key: number): Buffer | null | undefined {
    const record = this.#current.get(key)
    return record === undefined ? this.#previous.get(key) : record
  }

  /** The record is kept as it is: it must not change any more. */
  remember(key: number, record: Buffer | null): void {
    this.#current.set(key, record)
    this.#bytes += ENTRY_BYTES + (record?.length ?? 0)
  }

  /** Forgets the older generation when the newer one is full. Called between requests, never within one. */
  rotateIfFull(): void {
    if (this.#bytes < this.#bytesMax) return
    this.#previous = this.#current
    this.#current = new Map()
    this.#bytes = 0
    this.rotations++
  }
}
