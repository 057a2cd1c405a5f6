// Looking away from a socket between small pieces: a sender of many of them wakes its receiver for every one, which costs both
// more than the pieces.
import { nowUs } from './clock.ts'

/** Pieces that follow one another within this may be a stream. */
const BUSY_US = 500
/** So many of them are one: what a request, an answer or a small transaction is made of is read at once. */
const STREAM_PIECES = 16
const REST_MS = 1
/** A piece of this size was worth being woken for, and more of them lie ready. */
const LARGE_BYTES = 16_384

/** Says when a source is better not read for a moment: a millisecond after a small piece of a stream. */
export class ReadingRest {
  readonly #changed: () => void
  #resting: NodeJS.Timeout | undefined
  #rested = false
  #readUs = Number.NEGATIVE_INFINITY
  /** Pieces in a row that each followed soon after the one before. */
  #run = 0

  /** @param changed called when a rest begins or is over. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  get rests(): boolean {
    return this.#resting !== undefined
  }

  /** A piece of so many bytes was read. */
  read(bytes: number, atUs = nowUs()): void {
    const isFirst = this.#rested
    this.#rested = false
    const isSoon = atUs - this.#readUs < BUSY_US
    this.#readUs = atUs
    // What the socket took before or during a rest comes first after it, and says nothing.
    if (isFirst) return
    this.#run = isSoon ? this.#run + 1 : 0
    if (this.#run < STREAM_PIECES || bytes >= LARGE_BYTES || this.rests) return
    this.#resting = setTimeout(() => {
      this.#resting = undefined
      this.#rested = true
      this.#changed()
    }, REST_MS)
    this.#changed()
  }

  /** Ends it without a word. */
  end(): void {
    clearTimeout(this.#resting)
    this.#resting = undefined
  }
}
