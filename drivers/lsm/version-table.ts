// A hash table from key to (version, dot) in typed arrays: what a node asks for every row, so it allocates nothing a row.
import { mix32 } from '../../bench/lib/random.ts'

const FREE = -1

/** Open addressing with linear probing; grows when it is half full. Keys are whole numbers from 0. */
export class VersionTable {
  size = 0
  #keys: Float64Array
  #versions: Float64Array
  #dots: Float64Array
  #mask: number

  /** @param rows how many it should hold before it has to grow. */
  constructor(rows: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * rows)))
    this.#mask = slots - 1
    this.#keys = new Float64Array(slots).fill(FREE)
    this.#versions = new Float64Array(slots)
    this.#dots = new Float64Array(slots)
  }

  /** The slot of a key, for `versionAt` and `dotAt`; −1 where it is not there. Valid until the next `set`. */
  find(key: number): number {
    const slot = this.#probe(key)
    return this.#keys[slot] === key ? slot : -1
  }

  versionAt(slot: number): number {
    return this.#versions[slot]
  }

  dotAt(slot: number): number {
    return this.#dots[slot]
  }

  set(key: number, version: number, dot: number): void {
    if (2 * this.size > this.#mask) this.#grow()
    const slot = this.#probe(key)
    if (this.#keys[slot] !== key) {
      this.#keys[slot] = key
      this.size++
    }
    this.#versions[slot] = version
    this.#dots[slot] = dot
  }

  clear(): void {
    this.#keys.fill(FREE)
    this.size = 0
  }

  #probe(key: number): number {
    let slot = mix32((key >>> 0) ^ Math.imul((key / 4294967296) | 0, 0x9e3779b1)) & this.#mask
    while (this.#keys[slot] !== FREE && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask
    return slot
  }

  #grow(): void {
    const { size } = this
    const [keys, versions, dots] = [this.#keys, this.#versions, this.#dots]
    const larger = new VersionTable(2 * size)
    for (let slot = 0; slot < keys.length; slot++) {
      if (keys[slot] !== FREE) larger.set(keys[slot], versions[slot], dots[slot])
    }
    this.#keys = larger.#keys
    this.#versions = larger.#versions
    this.#dots = larger.#dots
    this.#mask = larger.#mask
  }
}
