// Reading pieces of a file that is known to be long enough.
import { readSync } from 'node:fs'

/** Fills `bytes` from the file at `position`; throws what the system says, or that the file ends there. */
export function readWhole(file: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, bytes.length - done, position + done)
    if (read === 0) throw new Error(`the file ends ${bytes.length - done} bytes too early`)
    done += read
  }
}
