// Rows that have arrived at a writer and wait to be sent: a bounded ring in columns.

export class PendingRows {
  readonly #capacity: number
  readonly #keys: Float64Array
  readonly #intendedUs: Float64Array
  readonly #operations: Uint8Array
  #first = 0
  #length = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#keys = new Float64Array(capacity)
    this.#intendedUs = new Float64Array(capacity)
    this.#operations = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** Whether there was room for the row. */
  push(key: number, intendedUs: number, operation: number): boolean {
    if (this.#length === this.#capacity) return false
    const at = this.#place(this.#length++)
    this.#keys[at] = key
    this.#intendedUs[at] = intendedUs
    this.#operations[at] = operation
    return true
  }

  /** Intended time of waiting row `index`, counted from the oldest. */
  intendedUs(index: number): number {
    return this.#intendedUs[this.#place(index)]
  }

  /** Moves up to `count` of the oldest rows into the given columns and says how many there were. */
  take(count: number, keys: Float64Array, intendedUs: Float64Array, operations: Uint8Array): number {
    const taken = Math.min(count, this.#length)
    let at = this.#first
    for (let i = 0; i < taken; i++) {
      keys[i] = this.#keys[at]
      intendedUs[i] = this.#intendedUs[at]
      operations[i] = this.#operations[at]
      if (++at === this.#capacity) at = 0
    }
    this.#first = at
    this.#length -= taken
    return taken
  }

  /** Gives up all that waits and says how many rows that were. */
  clear(): number {
    const dropped = this.#length
    this.#length = 0
    return dropped
  }

  /** Where waiting row `index` is. */
  #place(index: number): number {
    const at = this.#first + index
    return at < this.#capacity ? at : at - this.#capacity
  }
}
