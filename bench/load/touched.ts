// The set of keys that a worker has written: a bitmap for the keys of a table, a list for keys beyond it.
//
// Keys beyond 2³¹ are those of appended rows, each written once: they are listed as they come (8 bytes a write, no pause to
// sort or to grow while rows are sent), and sorted when the set is asked for, between phases.
import { sortKeys } from './sort-keys.ts'

const BITMAP_KEYS_MAX = 2 ** 31
const CHUNK_KEYS = 1 << 16

export class TouchedKeys {
  #bits = new Uint32Array(1024)
  /** Ascending and distinct: what was asked for before. */
  #sorted: Float64Array = new Float64Array(0)
  readonly #chunks: Float64Array[] = []
  #chunk = new Float64Array(0)
  #used = 0

  add(key: number): void {
    if (key >= BITMAP_KEYS_MAX) {
      if (this.#used === this.#chunk.length) this.#openChunk()
      this.#chunk[this.#used++] = key
      return
    }
    const word = key >>> 5
    if (word >= this.#bits.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.#bits.length * 2))
      grown.set(this.#bits)
      this.#bits = grown
    }
    this.#bits[word] |= 1 << (key & 31)
  }

  /** All keys, ascending. */
  ascending(): Float64Array {
    const beyond = this.#sortBeyond()
    let count = beyond.length
    for (const word of this.#bits) for (let rest = word; rest !== 0; rest &= rest - 1) count++
    const keys = new Float64Array(count)
    let at = 0
    for (let word = 0; word < this.#bits.length; word++) {
      for (let rest = this.#bits[word]; rest !== 0; rest &= rest - 1)
        keys[at++] = word * 32 + (31 - Math.clz32(rest & -rest))
    }
    keys.set(beyond, at)
    return keys
  }

  #openChunk(): void {
    this.#chunk = new Float64Array(CHUNK_KEYS)
    this.#chunks.push(this.#chunk)
    this.#used = 0
  }

  #sortBeyond(): Float64Array {
    const last = this.#chunks.pop()
    if (last === undefined) return this.#sorted
    const added = new Float64Array(this.#chunks.length * CHUNK_KEYS + this.#used)
    for (const [i, chunk] of this.#chunks.entries()) added.set(chunk, i * CHUNK_KEYS)
    added.set(last.subarray(0, this.#used), this.#chunks.length * CHUNK_KEYS)
    this.#chunks.length = 0
    this.#chunk = new Float64Array(0)
    this.#used = 0
    this.#sorted = mergeTwo(this.#sorted, distinct(sortKeys(added)))
    return this.#sorted
  }
}

/** Drops repeated keys from an ascending list, in place. */
function distinct(keys: Float64Array): Float64Array {
  let kept = 0
  for (let i = 0; i < keys.length; i++) if (i === 0 || keys[i] !== keys[i - 1]) keys[kept++] = keys[i]
  return keys.subarray(0, kept)
}

/** The union of two ascending lists of distinct keys. */
function mergeTwo(one: Float64Array, two: Float64Array): Float64Array {
  if (one.length === 0) return two
  if (two.length === 0) return one
  const merged = new Float64Array(one.length + two.length)
  let [i, j, at] = [0, 0, 0]
  while (i < one.length && j < two.length) {
    const key = Math.min(one[i], two[j])
    if (one[i] === key) i++
    if (two[j] === key) j++
    merged[at++] = key
  }
  merged.set(one.subarray(i), at)
  at += one.length - i
  merged.set(two.subarray(j), at)
  at += two.length - j
  return merged.subarray(0, at)
}

/** The union of ascending lists of distinct keys, ascending. */
export function mergeKeys(lists: readonly Float64Array[]): Float64Array {
  if (lists.length <= 2) return mergeTwo(lists[0] ?? new Float64Array(0), lists[1] ?? new Float64Array(0)).slice()
  const middle = lists.length >> 1
  return mergeTwo(mergeKeys(lists.slice(0, middle)), mergeKeys(lists.slice(middle))).slice()
}
