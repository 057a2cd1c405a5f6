// Splits a ledger by key into parts that fit into memory: one reading of each file, into files of the same layout in a scratch
// folder of the run, so that the analysis of any number of parts costs one more reading and writing, whatever their number.
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { allocateBlock, readBlocks, trimBlock, type Block, type Layout } from '../lib/column-file.ts'
import { CAUSES, COUNTS, FINAL, PROBES, WRITES } from '../lib/ledger-format.ts'
import { hashNumber } from '../lib/random.ts'
import { hasCounter } from './counter-sums.ts'
import { maybeStored } from './ledger-rows.ts'
import type { RunData } from './load.ts'

const SCRATCH = 'analysis-parts'
const SALT = 0x3c6ef372
/** Rows that each part gathers before they are written: 50 parts take about 10 MB. */
const ROWS_GATHERED = 4096

type Columns = Layout<Record<string, 'f64' | 'u32' | 'u8'>>['columns']
type Keyed<C extends Columns> = Block<C> & { readonly key: Float64Array }

/** A part of the key space as if it were a run of its own, and how many writes its ledger holds. */
export interface LedgerPart {
  readonly run: RunData
  readonly rows: number
}

/** The parts of a run; their files are removed when it is disposed of. */
interface SplitLedger extends Disposable {
  readonly parts: readonly LedgerPart[]
}

/** Splits the rows that matter to conflicts and losses into `of` parts. One part is the ledger as it stands. */
export function splitLedger(run: RunData, of: number): SplitLedger {
  if (of === 1) return { parts: [{ run, rows: countWrites(run) }], [Symbol.dispose]: () => undefined }
  const folder = join(run.folder, SCRATCH)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // An analysis that was killed may have left its parts behind.
  remove()
  try {
    mkdirSync(folder)
    return { parts: writeParts(run, folder, of), [Symbol.dispose]: remove }
  } catch (error) {
    remove()
    throw error
  }
}

function countWrites(run: RunData): number {
  let rows = 0
  for (const { path } of run.writes) {
    for (const block of readBlocks(WRITES, path)) {
      for (let row = 0; row < block.rows; row++) if (isWanted(block, row)) rows++
    }
  }
  return rows
}

function isWanted(block: Block<typeof WRITES.columns>, row: number): boolean {
  return block.dot[row] !== 0 && maybeStored(block.outcome[row], block.flags[row])
}

function writeParts(run: RunData, folder: string, of: number): LedgerPart[] {
  const rows = new Uint32Array(of)
  const name = (part: number, kind: string, dc: number) => join(folder, `${part}-${kind}-${dc}`)
  const split = <C extends Columns>(
    layout: Layout<C>,
    path: string,
    kind: string,
    dc: number,
    keep: (block: Keyed<C>, row: number) => boolean,
  ) => {
    const splitter = new Splitter(layout, of, (part) => name(part, kind, dc))
    const end = { torn: false, bytes: 0 }
    for (const block of readBlocks(layout, path, end)) splitter.add(block as Keyed<C>, keep)
    if (end.torn) run.torn.add(path)
    return splitter.finish()
  }
  // A coalesced increment was added to the one that replaced it, so that sums need it too.
  const keepsCoalesced = hasCounter(run.stored.scenario.columns)
  const isNoPadding = ({ dot }: { dot: Float64Array }, row: number) => dot[row] !== 0
  for (const { dcIndex, path } of run.writes) {
    const kept = split(WRITES, path, 'writes', dcIndex, keepsCoalesced ? isNoPadding : isWanted)
    for (const [part, count] of kept.entries()) rows[part] += count
  }
  for (const { dcIndex, path } of run.causes) split(CAUSES, path, 'causes', dcIndex, isNoPadding)
  for (const [dc, path] of run.probes.entries()) if (path !== null) split(PROBES, path, 'probes', dc, isNoPadding)
  for (const [dc, path] of run.finals.entries()) {
    if (path !== null) split(FINAL, path, 'final', dc, ({ state }, row) => state[row] !== 0)
  }
  for (const [dc, path] of run.counts.entries()) {
    // Keys ascend, so that what pads the last block is told from a row of key 0.
    let last = -1
    const rises = ({ key }: { key: Float64Array }, row: number) => key[row] > last && ((last = key[row]), true)
    if (path !== null) split(COUNTS, path, 'counts', dc, rises)
  }
  const dcs = [...run.dcs.keys()]
  // What a torn file says of a DC's end is not known key by key.
  const whole = (path: string | null): boolean => path !== null && !run.torn.has(path)
  return Array.from(rows, (count, part) => {
    const own: RunData = {
      ...run,
      writes: dcs.map((dcIndex) => ({ dcIndex, path: name(part, 'writes', dcIndex) })),
      causes: run.causes.length === 0 ? [] : dcs.map((dcIndex) => ({ dcIndex, path: name(part, 'causes', dcIndex) })),
      probes: run.probes.map((path, dc) => (path === null ? null : name(part, 'probes', dc))),
      finals: run.finals.map((path, dc) => (whole(path) ? name(part, 'final', dc) : null)),
      counts: run.counts.map((path, dc) => (whole(path) ? name(part, 'counts', dc) : null)),
    }
    return { run: own, rows: keepsCoalesced ? countWrites(own) : count }
  })
}

/** Deals the rows of files of one layout out to the parts' files, each in the order in which it was read. */
class Splitter<C extends Columns> {
  readonly #layout: Layout<C>
  readonly #pathOf: (part: number) => string
  readonly #gathered: Block<C>[]
  readonly #used: Uint32Array
  readonly #rows: Uint32Array
  #partOf = new Uint16Array(0)
  #order = new Uint32Array(0)

  constructor(layout: Layout<C>, parts: number, pathOf: (part: number) => string) {
    this.#layout = layout
    this.#pathOf = pathOf
    this.#gathered = Array.from({ length: parts }, () => allocateBlock(layout, ROWS_GATHERED))
    this.#used = new Uint32Array(parts)
    this.#rows = new Uint32Array(parts)
  }

  add(block: Keyed<C>, keep: (block: Keyed<C>, row: number) => boolean): void {
    const parts = this.#gathered.length
    if (block.rows > this.#order.length) {
      this.#partOf = new Uint16Array(block.rows)
      this.#order = new Uint32Array(block.rows)
    }
    const partOf = this.#partOf
    const order = this.#order
    const starts = new Uint32Array(parts + 2)
    for (let row = 0; row < block.rows; row++) {
      // The part after the last is that of the rows that are left out.
      partOf[row] = keep(block, row) ? hashNumber(block.key[row], SALT) % parts : parts
      starts[partOf[row] + 1]++
    }
    for (let part = 0; part <= parts; part++) starts[part + 1] += starts[part]
    const next = starts.slice()
    for (let row = 0; row < block.rows; row++) order[next[partOf[row]]++] = row
    for (let part = 0; part < parts; part++) this.#gather(part, block, starts[part], starts[part + 1])
  }

  /** Copies rows `order[from]` … `order[to − 1]` into the part's block, which is written whenever it is full. */
  #gather(part: number, block: Block<C>, from: number, to: number): void {
    this.#rows[part] += to - from
    for (let at = from; at < to;) {
      const used = this.#used[part]
      const count = Math.min(to - at, ROWS_GATHERED - used)
      for (const name of Object.keys(this.#layout.columns)) {
        const source = (block as unknown as Record<string, Float64Array>)[name]
        const target = (this.#gathered[part] as unknown as Record<string, Float64Array>)[name]
        copyRows(source, this.#order, at, count, target, used)
      }
      at += count
      this.#used[part] += count
      if (this.#used[part] === ROWS_GATHERED) this.#write(part)
    }
  }

  #write(part: number): void {
    const block = this.#gathered[part]
    const used = this.#used[part]
    const { bytes } = used === block.rows ? block : trimBlock(this.#layout, block, used)
    appendFileSync(this.#pathOf(part), bytes)
    this.#used[part] = 0
  }

  /** Writes what is left, and an empty file where a part has nothing; returns the rows of each part. */
  finish(): Uint32Array {
    for (let part = 0; part < this.#gathered.length; part++) {
      if (this.#used[part] > 0) this.#write(part)
      else if (this.#rows[part] === 0) appendFileSync(this.#pathOf(part), '')
    }
    return this.#rows
  }
}

function copyRows(
  source: Float64Array,
  order: Uint32Array,
  from: number,
  count: number,
  target: Float64Array,
  at: number,
): void {
  for (let i = 0; i < count; i++) target[at + i] = source[order[from + i]]
}
