// Text files that users hand over: read whole, but never more than they may be long.
import { closeSync, openSync, readSync } from 'node:fs'

const MOST_BYTES = 1 << 20

/** The text of a file or pipe. Throws what the system says of it, or that it is longer than 1 MiB. */
export function readBounded(path: string): string {
  const bytes = Buffer.allocUnsafe(MOST_BYTES + 1)
  const file = openSync(path, 'r')
  try {
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(file, bytes, length, bytes.length - length, null)
    }
    if (length > MOST_BYTES) throw new RangeError('it is longer than 1 MiB')
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}
