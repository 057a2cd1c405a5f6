// Stores what the writes of one worker found at their own DC, where causality is exact: beside the ledger, a row a write and other DC.
import { CAUSES } from '../lib/ledger-format.ts'
import { ColumnWriter } from './column-writer.ts'

export class CausesWriter {
  readonly #writer: ColumnWriter<typeof CAUSES.columns>

  constructor(path: string) {
    this.#writer = new ColumnWriter(CAUSES, path)
  }

  /** The write `dot` of `key` replaced the row `overwrote`, whose vector held `seen` of DC `peer`; 0 for none. */
  note(key: number, dot: number, overwrote: number, peer: number, seen: number): void {
    const at = this.#writer.next()
    const { block } = this.#writer
    block.key[at] = key
    block.dot[at] = dot
    block.overwrote[at] = overwrote
    block.seen[at] = seen
    block.peer[at] = peer
  }

  close(): void {
    this.#writer.close()
  }
}
