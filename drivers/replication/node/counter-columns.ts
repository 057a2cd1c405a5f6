// Increments at a node: the counters of the row that is there are added to those of the increment, in its own record, which so
// becomes the whole row that is stored and shipped. Concurrent increments are states like any other: one of them is lost.
import type { Column } from '../../../bench/contract/table.ts'
import { MalformedFrame } from './frame.ts'
import { recordContent } from './packed-rows.ts'

export class CounterColumns {
  readonly #columns: readonly Column[]

  constructor(columns: readonly Column[]) {
    this.#columns = columns
  }

  /** Whether the table has any: without, an increment is an upsert. */
  get any(): boolean {
    return this.#columns.some((column) => column.type === 'int' && column.counter === true)
  }

  /** Throws MalformedFrame where a record's content is not that of these columns. */
  check(record: Buffer): void {
    this.#counters(recordContent(record))
  }

  /** Adds what `before` holds to the counters of `record`; of no row and of a tombstone, 0. Sums wrap around at 32 bits. */
  add(record: Buffer, before: Buffer | null): void {
    if (before === null) return
    const held = recordContent(before)
    if (held.length === 0) return
    const content = recordContent(record)
    const from = this.#counters(held)
    this.#counters(content).forEach((at, i) => {
      content.writeInt32LE((content.readInt32LE(at) + held.readInt32LE(from[i])) | 0, at)
    })
  }

  /** Where the counters stand in a content. */
  #counters(content: Buffer): number[] {
    const found: number[] = []
    let at = 0
    for (const column of this.#columns) {
      if (column.type === 'int') {
        if (column.counter === true) found.push(at)
        at += 4
      } else {
        at += 2 + (at + 2 <= content.length ? content.readUInt16LE(at) : 0)
      }
    }
    if (at !== content.length) throw new MalformedFrame(`a content of ${content.length} bytes is not that of the table`)
    return found
  }
}
