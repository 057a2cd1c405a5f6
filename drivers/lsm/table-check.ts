// Checks every byte of a table file: LevelDB stores a checksum with each block, and as classic-level opens it never looks at
// them. Source: LevelDB 1.20, doc/table_format.md, table/format.cc and table/block.cc.
//
//   file   = blocks · footer of 48 bytes: handle of the metaindex · handle of the index · zeros to byte 40 · magic number u64
//   block  = bytes · packing u8 (0: none, 1: Snappy) · masked CRC-32C u32 (of all before it)
//   handle = offset varint · length varint (without the 5 bytes at the end of the block)
//
// The index names the blocks of rows, the metaindex the filter's. Together they must fill the file.
import { closeSync, fstatSync, openSync } from 'node:fs'
import { messageOf } from '../../bench/contract/errors.ts'
import { readWhole } from '../../bench/lib/read-whole.ts'
import { CodedBytes } from './coded-bytes.ts'
import { crc32c, unmasked } from './crc32c.ts'
import { damaged } from './damage.ts'
import { unpackSnappy } from './snappy.ts'

const FOOTER_BYTES = 48
const HANDLES_BYTES = 40
const TRAILER_BYTES = 5
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Bytes read at once, unless a single block is larger. */
const READ_BYTES = 1 << 20

interface Handle {
  readonly offset: number
  readonly length: number
}

/** Throws FORMAT where the table is not `size` bytes long or any checksum of its blocks does not fit. */
export function checkTable(path: string, size: number): void {
  const file = openSync(path, 'r')
  try {
    const found = fstatSync(file).size
    if (found !== size || size < FOOTER_BYTES) {
      throw damaged(path, Math.min(found, size), `it has ${found} bytes and should have ${size}`)
    }
    const blocks = blocksOf(file, path, size - FOOTER_BYTES)
    const buffer = Buffer.allocUnsafe(Math.min(size, READ_BYTES))
    for (let from = 0; from < blocks.length;) {
      let to = from + 1
      const { offset } = blocks[from]
      while (to < blocks.length && endOf(blocks[to]) - offset <= READ_BYTES) to++
      const length = endOf(blocks[to - 1]) - offset
      const bytes = length <= buffer.length ? buffer.subarray(0, length) : Buffer.allocUnsafe(length)
      readWhole(path, file, bytes, offset)
      for (; from < to; from++) checkBlock(bytes, blocks[from], offset, path)
    }
  } finally {
    closeSync(file)
  }
}

const endOf = ({ offset, length }: Handle): number => offset + length + TRAILER_BYTES

/** All blocks in the order of the file, whose first `end` bytes they fill. */
function blocksOf(file: number, path: string, end: number): Handle[] {
  const footer = Buffer.allocUnsafe(FOOTER_BYTES)
  readWhole(path, file, footer, end)
  if (!footer.subarray(HANDLES_BYTES).equals(MAGIC)) throw damaged(path, end + HANDLES_BYTES, 'its footer is none')
  const reading = new CodedBytes(footer.subarray(0, HANDLES_BYTES))
  const blocks: Handle[] = []
  try {
    const handles = [readHandle(reading), readHandle(reading)]
    if (footer.subarray(reading.at, HANDLES_BYTES).some((byte) => byte !== 0)) throw new RangeError('more than handles')
    for (const handle of handles) {
      if (endOf(handle) > end) throw new RangeError('a block past the end')
      blocks.push(...handlesIn(readBlock(file, path, handle)), handle)
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw damaged(path, end, `its footer leads astray (${messageOf(error)})`)
  }
  blocks.sort((a, b) => a.offset - b.offset)
  let filled = 0
  for (const block of blocks) {
    if (block.offset !== filled) throw damaged(path, filled, 'its index names no block here')
    filled = endOf(block)
  }
  if (filled !== end) throw damaged(path, filled, 'its index names no block here')
  return blocks
}

function readHandle(bytes: CodedBytes): Handle {
  return { offset: bytes.number(), length: bytes.number() }
}

function readBlock(file: number, path: string, handle: Handle): Buffer {
  const bytes = Buffer.allocUnsafe(handle.length + TRAILER_BYTES)
  readWhole(path, file, bytes, handle.offset)
  checkBlock(bytes, handle, handle.offset, path)
  const content = bytes.subarray(0, handle.length)
  return bytes[handle.length] === 0 ? content : unpackSnappy(content)
}

/** `bytes` begin with byte `from` of the file. */
function checkBlock(bytes: Buffer, block: Handle, from: number, path: string): void {
  const begin = block.offset - from
  const end = begin + block.length + 1
  if (crc32c(bytes, begin, end) !== unmasked(bytes.readUInt32LE(end))) {
    throw damaged(path, block.offset, 'the checksum of a block does not fit')
  }
}

/** The handles that an index holds as values: entries, each sharing the start of its key with the one before, and restarts. */
function handlesIn(block: Buffer): Handle[] {
  const restarts = block.readUInt32LE(block.length - 4)
  const entries = new CodedBytes(block.subarray(0, Math.max(0, block.length - 4 * (restarts + 1))))
  const handles: Handle[] = []
  while (!entries.ended) {
    entries.number()
    const keyBytes = entries.number()
    const valueBytes = entries.number()
    entries.bytes(keyBytes)
    handles.push(readHandle(new CodedBytes(entries.bytes(valueBytes))))
  }
  return handles
}
