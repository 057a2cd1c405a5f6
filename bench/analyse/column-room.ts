// Columns that are used for one part after another: memory is taken once, and again only where a part needs more.
import { roomFor } from './room.ts'

type Column = Float64Array | Uint32Array | Int32Array | Uint8Array

export class ColumnRoom {
  readonly #columns = new Map<string, Column>()

  /** The column of this name, at least `length` long; what is in it is left from before. */
  f64(name: string, length: number): Float64Array {
    return this.#column(name, length, Float64Array)
  }

  /** A longer column of this name, with what is in it. */
  longerF64(name: string, length: number): Float64Array {
    const before = this.f64(name, 0)
    const longer = new Float64Array(roomFor(length))
    longer.set(before)
    this.#columns.set(name, longer)
    return longer
  }

  u32(name: string, length: number): Uint32Array {
    return this.#column(name, length, Uint32Array)
  }

  i32(name: string, length: number): Int32Array {
    return this.#column(name, length, Int32Array)
  }

  u8(name: string, length: number): Uint8Array {
    return this.#column(name, length, Uint8Array)
  }

  #column<A extends Column>(name: string, length: number, type: { new (length: number): A }): A {
    const there = this.#columns.get(name)
    if (there !== undefined && there.length >= length) return there as A
    // What is too small goes first, so that both are never needed at once.
    this.#columns.delete(name)
    const column = new type(roomFor(length))
    this.#columns.set(name, column)
    return column
  }
}
