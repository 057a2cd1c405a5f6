// Writes one worker's part of the ledger: rows are reserved when they are sent, filled in place, and stored when settled.
import { open, type FileHandle } from 'node:fs/promises'
import { allocateBlock, sealBlock, trimBlock } from '../lib/column-file.ts'
import { NEVER, WRITES, type WritesBlock } from '../lib/ledger-format.ts'

const BLOCK_ROWS = 8192
/** A block of which a sixteenth or less is unused is written as it is: to cut it would copy it. */
const PADDED_PARTS = 16

interface OpenBlock {
  readonly columns: WritesBlock
  used: number
  unsettled: number
  full: boolean
}

/** Rows reserved in a block: `columns.dot[start + i]` and so on belong to the holder until it settles them. */
export interface LedgerRows {
  readonly columns: WritesBlock
  readonly start: number
  readonly count: number
}

/** A write may take only a part, as on a disk that fills up: the rest is written again until the system says why not. */
async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done)
    done += bytesWritten
  }
}

/** One file of row writes. Rows whose outcome never came are stored as pending when the ledger is closed. */
export class LedgerWriter {
  readonly #file: FileHandle
  readonly #open = new Set<OpenBlock>()
  readonly #owners = new Map<WritesBlock, OpenBlock>()
  readonly #spare: WritesBlock[] = []
  #current: OpenBlock | undefined
  #position = 0
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown
  bytes = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async create(path: string): Promise<LedgerWriter> {
    return new LedgerWriter(await open(path, 'wx'))
  }

  /** Why rows could not be written, as on a disk that is full; undefined while all is well. */
  get failure(): unknown {
    return this.#failure
  }

  reserve(count: number): LedgerRows {
    let block = this.#current
    if (block === undefined || block.used + count > block.columns.rows) {
      if (block !== undefined) this.#fill(block)
      block = this.#newBlock(Math.max(BLOCK_ROWS, count))
      this.#current = block
    }
    const start = block.used
    block.used += count
    block.unsettled++
    const { ackedAfterUs } = block.columns
    for (let at = start; at < start + count; at++) ackedAfterUs[at] = NEVER
    return { columns: block.columns, start, count }
  }

  settle(rows: LedgerRows): void {
    const block = this.#current?.columns === rows.columns ? this.#current : this.#owners.get(rows.columns)
    if (block === undefined) return
    block.unsettled--
    if (block.full && block.unsettled === 0) this.#store(block)
  }

  /** Stores everything, settled or not, and closes the file. Throws what a write to it threw. */
  async close(): Promise<void> {
    for (const block of this.#open) this.#store(block)
    await this.#writing
    await this.#file.close()
    if (this.#failure !== undefined) throw this.#failure
  }

  #newBlock(rows: number): OpenBlock {
    const spare = this.#spare.findIndex((candidate) => candidate.rows >= rows)
    const columns = spare < 0 ? allocateBlock(WRITES, rows) : this.#spare.splice(spare, 1)[0]
    const block = { columns, used: 0, unsettled: 0, full: false }
    this.#open.add(block)
    this.#owners.set(columns, block)
    return block
  }

  #fill(block: OpenBlock): void {
    block.full = true
    if (block.unsettled === 0) this.#store(block)
  }

  #store(block: OpenBlock): void {
    this.#open.delete(block)
    this.#owners.delete(block.columns)
    if (this.#current === block) this.#current = undefined
    if (block.used === 0) return
    const { columns, used } = block
    const isNearlyWhole = (columns.rows - used) * PADDED_PARTS <= columns.rows
    // What is left over is padding; only the dot says so.
    if (isNearlyWhole) columns.dot.fill(0, used)
    const bytes = sealBlock(isNearlyWhole ? columns : trimBlock(WRITES, columns, used))
    const at = this.#position
    this.#position += bytes.byteLength
    this.bytes = this.#position
    // The memory goes back into use only when its bytes are written.
    this.#writing = this.#writing
      .then(async () => {
        await writeWhole(this.#file, bytes, at)
        if (this.#spare.length < 4) this.#spare.push(columns)
      })
      .catch((error: unknown) => {
        this.#failure ??= error
      })
  }
}
