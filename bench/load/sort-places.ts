// Sorts the rows of one batch by key without moving them: by digits, which costs less a row than comparing.

const DIGIT_BITS = 8
const DIGITS = 1 << DIGIT_BITS
const WORD_BITS = 32
const TWO_32 = 4294967296
/** Fewer are sorted by comparing. */
const FEW = 24

/** Sorts batches of up to `rows` rows; it owns the room that this takes. */
export class PlaceSorter {
  readonly #low: Uint32Array
  readonly #high: Uint32Array
  readonly #other: Uint32Array
  readonly #starts = new Uint32Array(DIGITS)

  constructor(rows: number) {
    this.#low = new Uint32Array(rows)
    this.#high = new Uint32Array(rows)
    this.#other = new Uint32Array(rows)
  }

  /** Fills `places` with 0 … count − 1 in the order of (key, place). Keys are whole numbers, 0 … 2⁵³ − 1. */
  sort(keys: Float64Array, count: number, places: Uint32Array): void {
    if (count < FEW) sortFew(keys, count, places)
    else this.#sortMany(keys, count, places)
  }

  #sortMany(keys: Float64Array, count: number, places: Uint32Array): void {
    const low = this.#low
    const high = this.#high
    let lowDiffers = 0
    let highDiffers = 0
    for (let i = 0; i < count; i++) {
      low[i] = keys[i] >>> 0
      high[i] = keys[i] / TWO_32
      lowDiffers |= low[i] ^ low[0]
      highDiffers |= high[i] ^ high[0]
      places[i] = i
    }
    let from = places
    let to = this.#other
    for (let shift = 0; shift < 2 * WORD_BITS; shift += DIGIT_BITS) {
      const inWord = shift % WORD_BITS
      const differs = shift < WORD_BITS ? lowDiffers : highDiffers
      if (((differs >>> inWord) & (DIGITS - 1)) === 0) continue
      this.#pass(shift < WORD_BITS ? low : high, inWord, count, from, to)
      ;[from, to] = [to, from]
    }
    if (from !== places) for (let i = 0; i < count; i++) places[i] = from[i]
  }

  /** Orders the places by one digit and leaves those whose digit is the same in their order. */
  #pass(words: Uint32Array, shift: number, count: number, from: Uint32Array, to: Uint32Array): void {
    const starts = this.#starts
    starts.fill(0)
    for (let i = 0; i < count; i++) starts[(words[i] >>> shift) & (DIGITS - 1)]++
    let sum = 0
    for (let digit = 0; digit < DIGITS; digit++) {
      const rows = starts[digit]
      starts[digit] = sum
      sum += rows
    }
    for (let i = 0; i < count; i++) to[starts[(words[from[i]] >>> shift) & (DIGITS - 1)]++] = from[i]
  }
}

/** By insertion: each row goes before those of larger keys. */
function sortFew(keys: Float64Array, count: number, places: Uint32Array): void {
  for (let i = 0; i < count; i++) {
    let at = i
    for (; at > 0 && keys[places[at - 1]] > keys[i]; at--) places[at] = places[at - 1]
    places[at] = i
  }
}
