// The little of the tar format (POSIX.1-1988, ustar) that files take to and from a container.
import { createReadStream, statSync } from 'node:fs'
import { BenchError } from '../../contract/errors.ts'

const BLOCK_BYTES = 512
const NAME_BYTES = 100
const PREFIX_BYTES = 155
/** Eleven octal digits. */
const SIZE_MAX = 8 ** 11 - 1

export interface TarEntry {
  /** Relative to where it is unpacked. */
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** A folder, a text, or the content of a file of this machine. */
  readonly holds: 'folder' | { readonly content: string } | { readonly copyOf: string }
}

/** The archive, block by block. */
export async function* tarOf(entries: readonly TarEntry[]): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const { holds } = entry
    if (holds === 'folder') {
      yield header(entry, 0)
      continue
    }
    const content = 'content' in holds ? Buffer.from(holds.content) : undefined
    const size = content?.length ?? statSync((holds as { copyOf: string }).copyOf).size
    yield header(entry, size)
    if (content === undefined) {
      // A file that grows meanwhile gives what it held.
      if (size > 0) yield* createReadStream((holds as { copyOf: string }).copyOf, { end: size - 1 })
    } else yield content
    yield Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES)
  }
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

function header({ path, mode, uid, gid, holds }: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  const { name, prefix } = splitName(holds === 'folder' ? `${path}/` : path)
  if (size > SIZE_MAX) throw new BenchError('BUG', `${path} is too large for an archive.`)
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0')
  block.write(name, 0)
  block.write(octal(mode, 7), 100)
  block.write(octal(uid, 7), 108)
  block.write(octal(gid, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(Math.floor(Date.now() / 1000), 11), 136)
  block.write(holds === 'folder' ? '5' : '0', 156)
  block.write('ustar\x0000', 257, 'latin1')
  block.write(prefix, 345)
  // The checksum is taken with blanks in its own place.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

function splitName(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= NAME_BYTES) return { name: path, prefix: '' }
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (Buffer.byteLength(name) > NAME_BYTES || name === '') continue
    if (Buffer.byteLength(prefix) <= PREFIX_BYTES) return { name, prefix }
  }
  throw new BenchError('BUG', `The path ${path} is too long for an archive.`)
}

/** The content of the first file of an archive; undefined when it holds none. */
export function firstFileOf(archive: Buffer): Buffer | undefined {
  for (let at = 0; at + BLOCK_BYTES <= archive.length;) {
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 136), 8) || 0
    // Old archives say nothing for a plain file; others hold extended attributes, folders and links.
    const type = archive[at + 156]
    if (archive[at] !== 0 && (type === 0x30 || type === 0))
      return archive.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + size)
    at += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
  }
  return undefined
}
