// A message that comes in several chunks, put together in memory that grows with what has come: the length in a header is only
// a claim, and a claim of gigabytes must not cost more than the bytes that were sent for it.

/** Room that is made on a header's word alone: ordinary messages are copied once. */
const CLAIM_BYTES_MAX = 256 << 10

export class PartialMessage {
  /** How long it is to be, without its header. */
  readonly wholeBytes: number
  #bytes: Buffer
  #have = 0

  /** @param comingBytes what is there of it already, for the first `add`. */
  constructor(wholeBytes: number, comingBytes: number) {
    this.wholeBytes = wholeBytes
    this.#bytes = Buffer.allocUnsafeSlow(this.#roomFor(comingBytes))
  }

  /** Copies what of it stands in `chunk` from `at` on; returns how many bytes that was. */
  add(chunk: Buffer, at: number): number {
    const copied = Math.min(this.wholeBytes - this.#have, chunk.length - at)
    const needed = this.#have + copied
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(this.#roomFor(needed))
      this.#bytes.copy(grown, 0, 0, this.#have)
      this.#bytes = grown
    }
    chunk.copy(this.#bytes, this.#have, at, at + copied)
    this.#have = needed
    return copied
  }

  /** All its bytes, which are never written again; undefined while some are missing. */
  get whole(): Buffer | undefined {
    return this.#have === this.wholeBytes ? this.#bytes : undefined
  }

  #roomFor(bytes: number): number {
    return Math.min(this.wholeBytes, Math.max(CLAIM_BYTES_MAX, 2 * bytes))
  }
}
