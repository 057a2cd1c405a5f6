// The rows that the checks write: keys that no other check uses, dots and versions that grow, values drawn from the seed.
import { OPERATION } from '../contract/table.ts'
import type { Dc } from '../contract/topology.ts'
import { nowUs } from '../lib/clock.ts'
import { HybridClock, incarnationOf, packDot, PHASE } from '../lib/dot.ts'
import { randomStream, type RandomStream } from '../lib/random.ts'
import { expect } from './check.ts'
import { LOADED_ROWS, type Row, type Values } from './rows.ts'

/** Keys of rows that were not loaded begin here. */
const NEW_KEYS_FROM = 1_000_000
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ-'

/** What a check wants of a row that is not drawn. */
export type OwnParts = Partial<Omit<Row, 'values'>> & { readonly values?: Partial<Values> }

export class RowMaker {
  readonly #dcs: readonly Dc[]
  readonly #clocks: readonly HybridClock[]
  readonly #random: RandomStream
  #sequence = 0
  #loadedTaken = 0
  #newTaken = 0

  constructor(dcs: readonly Dc[], seed: number) {
    this.#dcs = dcs
    this.#random = randomStream(seed, 0x434f4e46)
    const wallUs = Date.now() * 1000 - nowUs()
    this.#clocks = dcs.map(({ index }) => new HybridClock(index, () => nowUs() + wallUs))
  }

  /** Ascending keys of loaded rows, or of rows that are not there, that were never given before. */
  keys(count: number, which: 'loaded' | 'new'): number[] {
    const from = which === 'loaded' ? this.#loadedTaken : NEW_KEYS_FROM + this.#newTaken
    if (which === 'loaded') this.#loadedTaken += count
    else this.#newTaken += count
    expect(this.#loadedTaken <= LOADED_ROWS, () => 'The suite has no loaded rows left: it must load more.')
    return Array.from({ length: count }, (_, i) => from + i)
  }

  /** A write of DC `dc` with a dot and a version of its own and values drawn from the seed, unless they are given. */
  row(dc: number, key: number, own: OwnParts): Row {
    const version = this.#clocks[dc].next()
    // A row that is made later has the higher version, whichever DC it is of.
    for (const clock of this.#clocks) clock.observe(version)
    return {
      key,
      dot: packDot(this.#dcs[dc].index, incarnationOf(PHASE.measure, 0), ++this.#sequence),
      version,
      operation: OPERATION.upsert,
      ...own,
      values: {
        name: this.#text(this.#random.uint32() % 25),
        note: this.#text(3 + (this.#random.uint32() % 60)),
        amount: this.#random.uint32() | 0,
        tally: this.#random.uint32() % 1000,
        ...own.values,
      },
    }
  }

  #text(length: number): string {
    return Array.from({ length }, () => ALPHABET[this.#random.uint32() % ALPHABET.length]).join('')
  }
}
