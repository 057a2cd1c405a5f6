// Binary files of rows in columns: what the ledger's parts are made of. Little-endian.
//
//   block = magic u32 · rows u32 · layout u32 · crc32 of the columns u32 · crc32 of these 16 bytes u32 · 0 u32
//           · the columns one after another, each `rows` long, widest first
//
// A file is any number of blocks; it may end in a torn one (a killed writer): readers stop before it and say so. What is not as it
// was written is refused: a flipped bit is no figure.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { BenchError } from '../contract/errors.ts'
import { damagedFile } from './damaged-file.ts'

const MAGIC = 0x32435747 // "GWC2"
/** "GWC1" had no checksums. */
const OLDER_MAGIC = 0x31435747
const HEADER_BYTES = 24
/** What the header's own checksum covers. */
const HEADED_BYTES = 16
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

/** `memory` is the whole block, header first, as it lies in a file once it is sealed. */
export type Block<C extends Columns> = { readonly rows: number; readonly memory: Uint8Array } & {
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
  const block: Record<string, unknown> = { rows, memory: new Uint8Array(buffer) }
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
  new Uint32Array(buffer, 0, 3).set([MAGIC, room, layout.id])
  return viewBlock(layout, buffer, room)
}

/** The bytes of a block whose rows are final, with their checksums: what is to be written. They are the block's own memory. */
export function sealBlock({ memory }: { readonly memory: Uint8Array }): Uint8Array {
  const header = new Uint32Array(memory.buffer, 0, HEADER_BYTES / 4)
  header[3] = crc32(memory.subarray(HEADER_BYTES))
  header[4] = crc32(memory.subarray(0, HEADED_BYTES))
  return memory
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

const damaged = (path: string, at: number): BenchError =>
  damagedFile(path, `the block at byte ${at} is not as it was written`)

/** What the header at `end.bytes` says; undefined at the end of the file, or of what is whole of it. Throws FORMAT. */
function readHeader(layout: Layout<Columns>, path: string, file: number, end: FileEnd): BlockPlace | undefined {
  const header = new Uint32Array(HEADER_BYTES / 4)
  const bytes = new Uint8Array(header.buffer)
  const got = readSync(file, bytes, 0, HEADER_BYTES, end.bytes)
  if (got === 0) return undefined
  if (got < HEADER_BYTES) {
    end.torn = true
    return undefined
  }
  const [magic, rows, layoutId, checksum, headed, none] = header
  if (magic === OLDER_MAGIC) {
    throw new BenchError('FORMAT', `${path} is of an older version of geowrite: report it with that, or run it again.`)
  }
  const isSound = magic === MAGIC && headed === crc32(bytes.subarray(0, HEADED_BYTES)) && none === 0
  if (!isSound || rows % 8 !== 0 || rows > BLOCK_ROWS_MAX) throw damaged(path, end.bytes)
  if (layoutId !== layout.id) {
    throw new BenchError(
      'FORMAT',
      `${path} holds rows of layout ${layoutId} where ${layout.id} was expected: it is another kind of file or from another version of geowrite.`,
    )
  }
  return { at: end.bytes, rows, checksum }
}

/** A block in its file: where its header stands, its rows, and the checksum of its columns. */
export interface BlockPlace {
  readonly at: number
  readonly rows: number
  readonly checksum: number
}

/** Finds the whole blocks of a file without reading their rows. Throws FORMAT for a file of another layout, or a damaged one. */
export function locateBlocks(layout: Layout<Columns>, path: string, end: FileEnd): BlockPlace[] {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const blocks: BlockPlace[] = []
    for (;;) {
      const place = readHeader(layout, path, file, end)
      if (place === undefined) return blocks
      const next = end.bytes + HEADER_BYTES + place.rows * rowBytes(layout)
      if (next > size) {
        end.torn = true
        return blocks
      }
      blocks.push(place)
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

/** Consecutive blocks of the file `path`, as their bytes lie in a buffer. Throws FORMAT for one that is damaged. */
export function viewBlocks<C extends Columns>(
  layout: Layout<C>,
  path: string,
  buffer: ArrayBuffer,
  places: readonly BlockPlace[],
): Block<C>[] {
  return places.map(({ at, rows, checksum }) => {
    const columnsAt = at - places[0].at + HEADER_BYTES
    if (crc32(new Uint8Array(buffer, columnsAt, rows * rowBytes(layout))) !== checksum) throw damaged(path, at)
    return viewColumns(layout, buffer, columnsAt, rows, rows)
  })
}

/** Reads a file block by block, in bounded memory. Throws FORMAT for a file of another layout, or a damaged one. */
export function* readBlocks<C extends Columns>(
  layout: Layout<C>,
  path: string,
  end: FileEnd = { torn: false, bytes: 0 },
): Generator<Block<C>> {
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const place = readHeader(layout, path, file, end)
      if (place === undefined) return
      const buffer = new ArrayBuffer(HEADER_BYTES + place.rows * rowBytes(layout))
      const read = readSync(file, new Uint8Array(buffer), 0, buffer.byteLength, end.bytes)
      if (read < buffer.byteLength) {
        end.torn = true
        return
      }
      end.bytes += read
      yield* viewBlocks(layout, path, buffer, [place])
    }
  } finally {
    closeSync(file)
  }
}
