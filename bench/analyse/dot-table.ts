// An open-addressing table from safe integers (dots or keys) to small places, in typed arrays: no object a row.
import { hashNumber } from '../lib/random.ts'

const SALT = 0x7f4a7c15

/** What a table is made of: its numbers by slot, and their places. */
export interface DotSlots {
  readonly numbers: Float64Array
  readonly places: Int32Array
}

function slotsFor(count: number): number {
  let slots = 16
  while (slots < count * 2) slots *= 2
  return slots
}

export class DotTable {
  #mask: number
  #numbers: Float64Array
  #places: Int32Array
  #size = 0

  /** Room for `count` different numbers at first; it grows with more. */
  constructor(count: number) {
    const slots = slotsFor(count)
    this.#mask = slots - 1
    this.#numbers = new Float64Array(slots)
    this.#places = new Int32Array(slots).fill(-1)
  }

  /** A table of slots that another one filled, in memory that they share: only to find in. */
  static over({ numbers, places }: DotSlots): DotTable {
    const table = new DotTable(0)
    table.#mask = numbers.length - 1
    table.#numbers = numbers
    table.#places = places
    return table
  }

  /** The slots in memory that threads can share. */
  shared(): DotSlots {
    const numbers = new Float64Array(new SharedArrayBuffer(this.#numbers.byteLength))
    const places = new Int32Array(new SharedArrayBuffer(this.#places.byteLength))
    numbers.set(this.#numbers)
    places.set(this.#places)
    return { numbers, places }
  }

  /** Forgets everything and makes room for `count` different numbers. */
  clear(count: number): void {
    const slots = slotsFor(count)
    if (slots > this.#numbers.length) {
      this.#numbers = new Float64Array(slots)
      this.#places = new Int32Array(slots)
    }
    this.#mask = this.#numbers.length - 1
    this.#places.fill(-1)
    this.#size = 0
  }

  get size(): number {
    return this.#size
  }

  /** The place of a number, or −1. */
  find(number: number): number {
    let slot = hashNumber(number, SALT) & this.#mask
    for (;;) {
      const place = this.#places[slot]
      if (place < 0 || this.#numbers[slot] === number) return place
      slot = (slot + 1) & this.#mask
    }
  }

  /** The place of a number; a new one gets the next place, counted from 0. */
  place(number: number): number {
    let slot = hashNumber(number, SALT) & this.#mask
    for (;;) {
      const place = this.#places[slot]
      if (place < 0) {
        this.#numbers[slot] = number
        this.#places[slot] = this.#size
        if (this.#size * 2 > this.#mask) this.#grow()
        return this.#size++
      }
      if (this.#numbers[slot] === number) return place
      slot = (slot + 1) & this.#mask
    }
  }

  #grow(): void {
    const numbers = this.#numbers
    const places = this.#places
    const slots = numbers.length * 2
    this.#mask = slots - 1
    this.#numbers = new Float64Array(slots)
    this.#places = new Int32Array(slots).fill(-1)
    for (let old = 0; old < numbers.length; old++) {
      if (places[old] < 0) continue
      let slot = hashNumber(numbers[old], SALT) & this.#mask
      while (this.#places[slot] >= 0) slot = (slot + 1) & this.#mask
      this.#numbers[slot] = numbers[old]
      this.#places[slot] = places[old]
    }
  }
}
