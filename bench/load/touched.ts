// The set of keys that a worker has written: a bitmap for the keys of a table, a set for keys beyond it.

const BITMAP_KEYS_MAX = 2 ** 31

export class TouchedKeys {
  #bits = new Uint32Array(1024)
  readonly #beyond = new Set<number>()

  add(key: number): void {
    if (key >= BITMAP_KEYS_MAX) {
      this.#beyond.add(key)
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
    const beyond = [...this.#beyond].toSorted((a, b) => a - b)
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
}

/** The union of ascending lists, ascending. */
export function mergeKeys(lists: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  all.sort()
  let kept = 0
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i]
  return all.slice(0, kept)
}
