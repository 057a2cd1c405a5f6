// Writing a piece of a file whole: the system may take only a part at a time, as on a disk that fills up.
import { writeSync } from 'node:fs'

/** Writes all of `bytes` where the file stands; throws what the system says when it takes no more. */
export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(file, bytes, done)
}
