// Deals chunks of a ledger out to parts by key: a counting sort of the chunk into one piece of memory, written at once.
import { closeSync, openSync } from 'node:fs'
import { bytesOfBlocks, roomForRows, rowBytes, viewBlocks, type Block } from '../lib/column-file.ts'
import type { WritesBlock } from '../lib/ledger-format.ts'
import { hashNumber } from '../lib/random.ts'
import { readWhole } from '../lib/read-whole.ts'
import { LAYOUTS, type Chunk, type DealPlan } from './deal-plan.ts'
import { maybeStored } from './ledger-rows.ts'
import type { Scratch } from './scratch.ts'

const SALT = 0x3c6ef372

/** A block of any kind: all have a key, and all but counts have dots or states that tell padding. */
type AnyBlock = Block<Readonly<Record<string, 'f64' | 'u32' | 'u8'>>>
type Keeps = (block: AnyBlock, row: number) => boolean

const isNoPadding: Keeps = ({ dot }, row) => dot[row] !== 0
const KEEPS: Readonly<Record<Chunk['kind'], Keeps>> = {
  writes: isNoPadding,
  causes: isNoPadding,
  probes: isNoPadding,
  finals: ({ state }, row) => state[row] !== 0,
  // What pads a block reads as key 0 with nothing, and adds nothing.
  counts: () => true,
}

export class Dealer {
  readonly #plan: DealPlan
  readonly #scratch: Scratch
  #read = new ArrayBuffer(0)
  #dealt = new ArrayBuffer(0)
  #partOf = new Uint16Array(0)
  /** By row: how many rows of its part stand before it in the chunk. */
  #rank = new Uint32Array(0)
  /** By part: where the column being dealt begins, in elements. The one after the last part is for rows that are left out. */
  readonly #base: Uint32Array

  constructor(plan: DealPlan, scratch: Scratch) {
    this.#plan = plan
    this.#scratch = scratch
    this.#base = new Uint32Array(plan.parts + 1)
  }

  /** The blocks of a chunk; they are valid until the next chunk is read. */
  read(chunk: Chunk): AnyBlock[] {
    const layout = LAYOUTS[chunk.kind]
    const bytes = bytesOfBlocks(layout, chunk.blocks)
    if (bytes > this.#read.byteLength) this.#read = new ArrayBuffer(bytes)
    const file = openSync(chunk.path, 'r')
    try {
      readWhole(chunk.path, file, new Uint8Array(this.#read, 0, bytes), chunk.blocks[0].at)
    } finally {
      closeSync(file)
    }
    return viewBlocks<Readonly<Record<string, 'f64' | 'u32' | 'u8'>>>(layout, chunk.path, this.#read, chunk.blocks)
  }

  /** Deals the blocks of chunk `index`. */
  deal(index: number, blocks: readonly AnyBlock[]): void {
    const { parts, chunks, dealt, keepsAllWrites } = this.#plan
    const { kind, at, bytesMax } = chunks[index]
    const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
    if (rows > this.#rank.length) {
      this.#partOf = new Uint16Array(rows)
      this.#rank = new Uint32Array(rows)
    }
    const counts = new Uint32Array(parts + 1)
    let from = 0
    for (const block of blocks) {
      const [partOf, rank] = [this.#partOf.subarray(from), this.#rank.subarray(from)]
      if (kind === 'writes' && !keepsAllWrites) assignStored(block as unknown as WritesBlock, partOf, rank, counts)
      else assign(block, KEEPS[kind], partOf, rank, counts)
      from += block.rows
    }
    dealt.set(counts.subarray(0, parts), index * parts)
    const layout = LAYOUTS[kind]
    const starts = startsOf(counts, rowBytes(layout))
    // Rows that are left out are dealt to the end of the memory, which is not written.
    if (starts[parts + 1] > this.#dealt.byteLength) {
      this.#dealt = new ArrayBuffer(Math.max(bytesMax, starts[parts + 1]))
    }
    let bytesBefore = 0
    for (const [name, width] of Object.entries(layout.columns)) {
      const size = { f64: 8, u32: 4, u8: 1 }[width]
      for (let part = 0; part <= parts; part++) {
        this.#base[part] = (starts[part] + bytesBefore * roomForRows(counts[part])) / size
      }
      const target = { f64: Float64Array, u32: Uint32Array, u8: Uint8Array }[width]
      this.#scatter(blocks, name, new target(this.#dealt, 0, Math.floor(this.#dealt.byteLength / size)))
      bytesBefore += size
    }
    this.#scratch.write(new Uint8Array(this.#dealt, 0, starts[parts]), at)
  }

  #scatter(blocks: readonly AnyBlock[], name: string, target: Float64Array | Uint32Array | Uint8Array): void {
    let from = 0
    for (const block of blocks) {
      const [partOf, rank] = [this.#partOf.subarray(from), this.#rank.subarray(from)]
      const source = (block as unknown as Record<string, Float64Array>)[name]
      // One loop for each width: a loop that meets all of them is several times as slow.
      if (target instanceof Float64Array) scatterWide(source, partOf, rank, this.#base, target)
      else if (target instanceof Uint32Array) {
        scatterWords(source as unknown as Uint32Array, partOf, rank, this.#base, target)
      } else scatterBytes(source as unknown as Uint8Array, partOf, rank, this.#base, target)
      from += block.rows
    }
  }
}

/** Where each part begins in memory, in bytes; then where the rows that are left out begin and end. */
export function startsOf(counts: Uint32Array, bytesARow: number): Float64Array {
  const starts = new Float64Array(counts.length + 1)
  for (let part = 0; part < counts.length; part++) {
    starts[part + 1] = starts[part] + roomForRows(counts[part]) * bytesARow
  }
  return starts
}

function assign(block: AnyBlock, keeps: Keeps, partOf: Uint16Array, rank: Uint32Array, counts: Uint32Array): void {
  const parts = counts.length - 1
  const key = (block as unknown as { key: Float64Array }).key
  for (let row = 0; row < block.rows; row++) {
    const part = keeps(block, row) ? hashNumber(key[row], SALT) % parts : parts
    partOf[row] = part
    rank[row] = counts[part]++
  }
}

/** The same of writes that are or may be stored: most rows of a ledger are dealt here. */
function assignStored(
  { rows, key, dot, outcome, flags }: WritesBlock,
  partOf: Uint16Array,
  rank: Uint32Array,
  counts: Uint32Array,
): void {
  const parts = counts.length - 1
  for (let row = 0; row < rows; row++) {
    const kept = dot[row] !== 0 && maybeStored(outcome[row], flags[row])
    const part = kept ? hashNumber(key[row], SALT) % parts : parts
    partOf[row] = part
    rank[row] = counts[part]++
  }
}

function scatterWide(
  source: Float64Array,
  partOf: Uint16Array,
  rank: Uint32Array,
  base: Uint32Array,
  target: Float64Array,
): void {
  for (let row = 0; row < source.length; row++) target[base[partOf[row]] + rank[row]] = source[row]
}

function scatterWords(
  source: Uint32Array,
  partOf: Uint16Array,
  rank: Uint32Array,
  base: Uint32Array,
  target: Uint32Array,
): void {
  for (let row = 0; row < source.length; row++) target[base[partOf[row]] + rank[row]] = source[row]
}

function scatterBytes(
  source: Uint8Array,
  partOf: Uint16Array,
  rank: Uint32Array,
  base: Uint32Array,
  target: Uint8Array,
): void {
  for (let row = 0; row < source.length; row++) target[base[partOf[row]] + rank[row]] = source[row]
}
