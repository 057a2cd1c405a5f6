// How a ledger is dealt out by key: its files cut into chunks that any thread may take, and the place of each in one scratch file.
//
// A chunk's rows lie there part after part, a part's rows in columns as in the file that they are of, each with room for a
// multiple of 8 rows. So every part reads back in the order of the ledger, whoever dealt which chunk.
import { join } from 'node:path'
import { locateBlocks, rowBytes, roomForRows, type BlockPlace } from '../lib/column-file.ts'
import { CAUSES, COUNTS, FINAL, PROBES, WRITES } from '../lib/ledger-format.ts'
import { hasCounter } from './counter-sums.ts'
import type { RunData } from './load.ts'

/** The kinds of a ledger's files. */
export const LAYOUTS = { writes: WRITES, causes: CAUSES, probes: PROBES, finals: FINAL, counts: COUNTS } as const
export type Kind = keyof typeof LAYOUTS
const KINDS = Object.keys(LAYOUTS) as readonly Kind[]

/** A folder of the run's for as long as it is analysed. */
const SCRATCH = 'analysis-parts'
/** Rows of a part in the memory of the thread that has it, but for keys that have more. */
const ROWS_A_PART = 250_000
/** Rows of a chunk, and how many at least for each part: what a part has of a chunk is read at once. */
const ROWS_A_CHUNK = 1 << 16
const ROWS_A_CHUNK_AND_PART = 1 << 10

/** Consecutive blocks of one file. */
export interface Chunk {
  readonly kind: Kind
  readonly dcIndex: number
  readonly path: string
  readonly blocks: readonly BlockPlace[]
  /** Where its rows begin in the scratch file, and what they take at most. */
  readonly at: number
  readonly bytesMax: number
}

/** Everything that a thread must know to deal chunks and to read parts. */
export interface DealPlan {
  readonly parts: number
  /** Writes of the ledger, what pads its blocks included. */
  readonly rows: number
  /** Null where what is dealt stays in the memory of one thread. */
  readonly scratchPath: string | null
  readonly chunks: readonly Chunk[]
  /** Whether a part needs the writes that later ones of their batch replaced, and those that were refused. */
  readonly keepsAllWrites: boolean
  /** By chunk × part, how many rows were dealt; shared by all threads. */
  readonly dealt: Uint32Array
  /** How many chunks, parts, largest and smallest parts have been taken; shared by all threads. */
  readonly taken: Int32Array
}

/** How many parts keep each in bounded memory; what probes and bounds take grows with the DCs. */
function partsFor(ledgerRows: number, dcCount: number): number {
  return Math.max(1, Math.ceil((ledgerRows * Math.max(2, dcCount)) / (2 * ROWS_A_PART)))
}

/** Plans the dealing into `parts` parts, or as many as the rows ask for. Files that end in a torn block are told in `run.torn`. */
export function planDeal(run: RunData, parts?: number): DealPlan {
  const files = ledgerFiles(run).map((file) => {
    const end = { torn: false, bytes: 0 }
    const blocks = locateBlocks(LAYOUTS[file.kind], file.path, end)
    if (end.torn) run.torn.add(file.path)
    return { ...file, blocks }
  })
  const rowsOf = (blocks: readonly BlockPlace[]) => blocks.reduce((sum, { rows }) => sum + rows, 0)
  const writes = files.reduce((sum, { kind, blocks }) => sum + (kind === 'writes' ? rowsOf(blocks) : 0), 0)
  const into = parts ?? partsFor(writes, run.dcs.length)
  const rowsAChunk = Math.max(ROWS_A_CHUNK, into * ROWS_A_CHUNK_AND_PART)
  const chunks: Chunk[] = []
  let at = 0
  for (const { blocks, ...file } of files) {
    // What a torn file says of a DC's end is not known key by key.
    if ((file.kind === 'finals' || file.kind === 'counts') && run.torn.has(file.path)) continue
    for (let from = 0; from < blocks.length;) {
      let [to, rows] = [from, 0]
      while (to < blocks.length && (to === from || rows + blocks[to].rows <= rowsAChunk)) rows += blocks[to++].rows
      const bytesMax = roomForRows(rows + into * 8) * rowBytes(LAYOUTS[file.kind])
      chunks.push({ ...file, blocks: blocks.slice(from, to), at, bytesMax })
      at += bytesMax
      from = to
    }
  }
  return {
    parts: into,
    rows: writes,
    scratchPath: into === 1 ? null : join(run.folder, SCRATCH, 'dealt'),
    chunks,
    keepsAllWrites: hasCounter(run.stored.scenario.columns),
    dealt: new Uint32Array(new SharedArrayBuffer(4 * chunks.length * into)),
    taken: new Int32Array(new SharedArrayBuffer(16)),
  }
}

/** The files of a ledger in a fixed order: kind by kind, DC by DC, worker by worker. */
function ledgerFiles(run: RunData): Pick<Chunk, 'kind' | 'dcIndex' | 'path'>[] {
  return KINDS.flatMap((kind): Pick<Chunk, 'kind' | 'dcIndex' | 'path'>[] => {
    if (kind === 'writes' || kind === 'causes') return run[kind].map((file) => ({ kind, ...file }))
    return run[kind].flatMap((path, dcIndex) => (path === null ? [] : [{ kind, dcIndex, path }]))
  })
}

/** The next chunk that is left to deal, or −1. */
export function takeChunk({ chunks, taken }: DealPlan): number {
  const chunk = Atomics.add(taken, 0, 1)
  return chunk < chunks.length ? chunk : -1
}

/**
 * The next part that is left to walk, or −1: the largest, or else the smallest. One thread takes the largest, so that only its
 * memory grows to what a hot key needs; no thread gives memory back.
 */
export function takePart({ parts, taken }: DealPlan, largestFirst: Uint32Array, takesLargest: boolean): number {
  if (Atomics.add(taken, 1, 1) >= parts) return -1
  return largestFirst[takesLargest ? Atomics.add(taken, 2, 1) : parts - 1 - Atomics.add(taken, 3, 1)]
}

/** The parts by how many writes they have, the most first. */
export function partsBySize({ parts, chunks, dealt }: DealPlan): Uint32Array {
  const rows = new Float64Array(parts)
  for (const [c, { kind }] of chunks.entries()) {
    if (kind !== 'writes') continue
    for (let part = 0; part < parts; part++) rows[part] += dealt[c * parts + part]
  }
  return Uint32Array.from(rows.keys()).sort((a, b) => rows[b] - rows[a] || a - b)
}
