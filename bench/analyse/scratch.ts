// Where what was dealt lies until it is read again: a file that all threads share, or, of a small ledger, the memory of one.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

export interface Scratch extends Disposable {
  write(bytes: Uint8Array, at: number): void
  /** Fills `target`, the bytes of which were all written before. */
  read(target: Uint8Array, at: number): void
}

/** Opens the file, which exists, or memory of so many bytes where there is no path. */
export function openScratch(path: string | null, bytes: number): Scratch {
  if (path === null) {
    const memory = new Uint8Array(bytes)
    return {
      write: (from, at) => memory.set(from, at),
      read: (target, at) => target.set(memory.subarray(at, at + target.length)),
      [Symbol.dispose]: () => undefined,
    }
  }
  const file = openSync(path, 'r+')
  return {
    write(from, at) {
      for (let done = 0; done < from.length;) done += writeSync(file, from, done, from.length - done, at + done)
    },
    read(target, at) {
      for (let done = 0; done < target.length;) {
        const got = readSync(file, target, done, target.length - done, at + done)
        if (got === 0) throw new RangeError(`${path} ends before ${at + target.length} bytes`)
        done += got
      }
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
