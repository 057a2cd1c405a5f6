// Binary files of rows in columns: what the ledger's parts are made of. Little-endian.
//
//   block = magic u32 · rows u32 · layout u32 · 0 u32 · the columns one after another, each `rows` long, widest first
//
// A file is any number of blocks; it may end in a torn one (a killed writer): readers stop before it and say so.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { BenchError } from '../contract/errors.ts'

const MAGIC = 0x31435747 // "GWC1"
const HEADER_BYTES = 16
const BLOCK_ROWS_MAX = 1 << 20
const WIDTH = { f64: 8, u32: 4, u8: 1 } as const

type Width = keyof typeof WIDTH
interface Arrays {
  f64: Float64Array
  u32: Uint32Array
  u8: Uint8Array
}
type Columns = Readonly<Record<string, Width>>

/** What a file's rows are: a number that tells layouts apart, and the columns with the widest first. */
export interface Layout<C extends Columns> {
  readonly id: number
  readonly columns: C
}

export type Block<C extends Columns> = { readonly rows: number; readonly bytes: Uint8Array } & {
  readonly [K in keyof C]: Arrays[C[K]]
}

/** What a row takes in a file. */
export function rowBytes(layout: Layout<Columns>): number {
  return Object.values(layout.columns).reduce((sum, width) => sum + WIDTH[width], 0)
}

function viewBlock<C extends Columns>(layout: Layout<C>, buffer: ArrayBuffer, rows: number): Block<C> {
  return viewColumns(layout, buffer, HEADER_BYTES, rows, rows)
}

/** The first `rows` of the `room` rows (a multiple of 8) whose columns begin at byte `from` (a multiple of 8) of a buffer. */
export function viewColumns<C extends Columns>(
  layout: Layout<C>,
  buffer: ArrayBuffer,
  from: number,
  room: number,
  rows: number,
): Block<C> {
  const block: Record<string, unknown> = { rows, bytes: new Uint8Array(buffer) }
  let at = from
  for (const [name, width] of Object.entries(layout.columns)) {
    block[name] =
      width === 'f64'
        ? new Float64Array(buffer, at, rows)
        : width === 'u32'
          ? new Uint32Array(buffer, at, rows)
          : new Uint8Array(buffer, at, rows)
    at += WIDTH[width] * room
  }
  return block as Block<C>
}

/** Rows rounded up so that every column of so many is aligned. */
export function roomForRows(rows: number): number {
  return Math.ceil(rows / 8) * 8
}

/** An empty block with room for `rows` rows, rounded up to a multiple of 8 so that every column is aligned. */
export function allocateBlock<C extends Columns>(layout: Layout<C>, rows: number): Block<C> {
  const room = roomForRows(rows)
  const buffer = new ArrayBuffer(HEADER_BYTES + rowBytes(layout) * room)
  new Uint32Array(buffer, 0, 4).set([MAGIC, room, layout.id, 0])
  return viewBlock(layout, buffer, room)
}

/** The first `rows` rows in a block of just that size; what pads it to a multiple of 8 is zero. */
export function trimBlock<C extends Columns>(layout: Layout<C>, block: Block<C>, rows: number): Block<C> {
  const trimmed = allocateBlock(layout, rows)
  for (const name of Object.keys(layout.columns)) {
    const from = (block as unknown as Record<string, Float64Array>)[name]
    const to = (trimmed as unknown as Record<string, Float64Array>)[name]
    to.set(from.subarray(0, rows))
  }
  return trimmed
}

/** How far a file was read, and whether it ended in a torn block. */
interface FileEnd {
  torn: boolean
  bytes: number
}

/** The rows of the block whose header stands at `end.bytes`; undefined at the end of the file, or of what is whole of it. */
function readHeader(layout: Layout<Columns>, path: string, file: number, end: FileEnd): number | undefined {
  const header = new Uint32Array(4)
  const got = readSync(file, header, 0, HEADER_BYTES, end.bytes)
  if (got === 0) return undefined
  const rows = header[1]
  if (got < HEADER_BYTES || header[0] !== MAGIC || rows % 8 !== 0 || rows > BLOCK_ROWS_MAX) {
    end.torn = true
    return undefined
  }
  if (header[2] !== layout.id) {
    throw new BenchError(
      'FORMAT',
      `${path} holds rows of layout ${header[2]} where ${layout.id} was expected: it is another kind of file or from another version of geowrite.`,
    )
  }
  return rows
}

/** A block in its file: where its header stands, and its rows. */
export interface BlockPlace {
  readonly at: number
  readonly rows: number
}

/** Finds the whole blocks of a file without reading their rows. Throws FORMAT for a file of another layout. */
export function locateBlocks(layout: Layout<Columns>, path: string, end: FileEnd): BlockPlace[] {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const blocks: BlockPlace[] = []
    for (;;) {
      const rows = readHeader(layout, path, file, end)
      if (rows === undefined) return blocks
      const next = end.bytes + HEADER_BYTES + rows * rowBytes(layout)
      if (next > size) {
        end.torn = true
        return blocks
      }
      blocks.push({ at: end.bytes, rows })
      end.bytes = next
    }
  } finally {
    closeSync(file)
  }
}

/** How many bytes consecutive blocks take in their file. */
export function bytesOfBlocks(layout: Layout<Columns>, places: readonly BlockPlace[]): number {
  return places.reduce((sum, { rows }) => sum + HEADER_BYTES + rows * rowBytes(layout), 0)
}

/** Consecutive blocks of a file, as their bytes lie in a buffer. */
export function viewBlocks<C extends Columns>(
  layout: Layout<C>,
  buffer: ArrayBuffer,
  places: readonly BlockPlace[],
): Block<C>[] {
  return places.map(({ at, rows }) => viewColumns(layout, buffer, at - places[0].at + HEADER_BYTES, rows, rows))
}

/** Reads a file block by block, in bounded memory. Throws FORMAT for a file of another layout. */
export function* readBlocks<C extends Columns>(
  layout: Layout<C>,
  path: string,
  end: FileEnd = { torn: false, bytes: 0 },
): Generator<Block<C>> {
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const rows = readHeader(layout, path, file, end)
      if (rows === undefined) return
      const buffer = new ArrayBuffer(HEADER_BYTES + rows * rowBytes(layout))
      const read = readSync(file, new Uint8Array(buffer), 0, buffer.byteLength, end.bytes)
      if (read < buffer.byteLength) {
        end.torn = true
        return
      }
      end.bytes += read
      yield viewBlock(layout, buffer, rows)
    }
  } finally {
    closeSync(file)
  }
}
