// Appends rows to a column file, a block at a time: what probers and the final read-back store.
import { openSync, closeSync } from 'node:fs'
import { allocateBlock, sealBlock, trimBlock, type Block, type Layout } from '../lib/column-file.ts'
import { writeWhole } from '../lib/write-whole.ts'

const BLOCK_ROWS = 4096

/** A column file being written. `next` gives the place of a new row in `block`; blocks are written when they are full. */
export class ColumnWriter<C extends Layout<Record<string, 'f64' | 'u32' | 'u8'>>['columns']> {
  readonly #layout: Layout<C>
  readonly #file: number
  #used = 0
  block: Block<C>

  constructor(layout: Layout<C>, path: string) {
    this.#layout = layout
    this.#file = openSync(path, 'wx')
    this.block = allocateBlock(layout, BLOCK_ROWS)
  }

  next(): number {
    if (this.#used === this.block.rows) this.#write(this.block)
    return this.#used++
  }

  #write(block: Block<C>): void {
    writeWhole(this.#file, sealBlock(block))
    this.#used = 0
  }

  close(): void {
    if (this.#used > 0) this.#write(trimBlock(this.#layout, this.block, this.#used))
    closeSync(this.#file)
  }
}
