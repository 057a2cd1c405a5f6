// Reads a piece of a file to its end: the system may give only a part at a time.
import { readSync } from 'node:fs'

/** Fills `bytes` from the open file at `position`. Throws what the system says, or that the file `path` ends before. */
export function readWhole(path: string, file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, bytes.length - done, position + done)
    if (read === 0) throw new Error(`${path} became shorter while it was read`)
    done += read
  }
}
