// One part of a dealt ledger: everything that is known of some of the keys, as if it were a ledger of its own.
import { roomForRows, rowBytes, viewColumns, type Block } from '../lib/column-file.ts'
import { LAYOUTS, type DealPlan, type Kind } from './deal-plan.ts'
import { startsOf } from './dealer.ts'
import type { Scratch } from './scratch.ts'

type Columns = Readonly<Record<string, 'f64' | 'u32' | 'u8'>>

/** Rows of one kind and DC in the order of the ledger, without padding; valid until the next ones are taken. */
interface Rows<K extends Kind> {
  readonly dcIndex: number
  readonly block: Block<(typeof LAYOUTS)[K]['columns']>
}

/** Reads the parts of a plan whose chunks have all been dealt. */
export class PartReader {
  readonly #plan: DealPlan
  readonly #scratch: Scratch
  #buffer = new ArrayBuffer(0)

  constructor(plan: DealPlan, scratch: Scratch) {
    this.#plan = plan
    this.#scratch = scratch
  }

  part(index: number): LedgerPart {
    return {
      rows: (kind) => {
        const { parts, chunks, dealt } = this.#plan
        let rows = 0
        for (const [c, chunk] of chunks.entries()) if (chunk.kind === kind) rows += dealt[c * parts + index]
        return rows
      },
      blocks: (kind) => this.#blocks(index, kind),
    }
  }

  *#blocks<K extends Kind>(part: number, kind: K): Generator<Rows<K>> {
    const { parts, chunks, dealt } = this.#plan
    const layout = LAYOUTS[kind]
    const bytesARow = rowBytes(layout)
    for (const [c, chunk] of chunks.entries()) {
      const rows = dealt[c * parts + part]
      if (chunk.kind !== kind || rows === 0) continue
      const room = roomForRows(rows)
      const bytes = room * bytesARow
      if (bytes > this.#buffer.byteLength) this.#buffer = new ArrayBuffer(bytes * 2)
      const from = chunk.at + startsOf(dealt.subarray(c * parts, c * parts + part), bytesARow)[part]
      this.#scratch.read(new Uint8Array(this.#buffer, 0, bytes), from)
      const block: unknown = viewColumns<Columns>(layout, this.#buffer, 0, room, rows)
      yield { dcIndex: chunk.dcIndex, block: block as Rows<K>['block'] }
    }
  }
}

/** Of one part. */
export interface LedgerPart {
  /** How many rows of a kind it has. */
  rows(kind: Kind): number
  blocks<K extends Kind>(kind: K): Generator<Rows<K>>
}
