// Cuts a Postgres connection's bytes into protocol messages without copying: only a message that straddles two chunks is
// put together in memory of its own.
//
//   message = type u8 · length i32 (itself included) · payload                       big-endian
import { BenchError } from '../../bench/contract/errors.ts'
import { PartialMessage } from './partial-message.ts'

const HEADER_BYTES = 5
const LENGTH_BYTES = 4
/** Of 2^53 − 1; that of a negative number is greater, too. */
const HIGH_WORD_MAX = 0x1fffff

/** Gets each message's type and where its payload stands: `bytes[start … end)`, which is never written again. */
type OnMessage = (type: number, bytes: Buffer, start: number, end: number) => void

/** Unsigned 32-bit big-endian integer at `at`. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}

/** 64-bit big-endian integer at `at`. Throws FORMAT where it is negative or above 2^53 − 1, which no key, version or log position is. */
export function int64At(view: DataView, at: number): number {
  const high = view.getUint32(at)
  if (high > HIGH_WORD_MAX) refuseNumber()
  return high * 4294967296 + view.getUint32(at + 4)
}

/** Apart, so that what calls it stays small enough to be inlined. */
function refuseNumber(): never {
  throw new BenchError(
    'FORMAT',
    'The replication stream holds a number that is negative or above 2^53 − 1, which geowrite never writes: keep others from writing to the table under test, and run again.',
  )
}

export class FrameSplitter {
  readonly #onMessage: OnMessage
  readonly #messageBytesMax: number
  /** Of the message begun in earlier chunks. */
  readonly #header = Buffer.alloc(HEADER_BYTES)
  #headerFilled = 0
  #partial: PartialMessage | undefined

  /** @param messageBytesMax the longest payload that may come. */
  constructor(messageBytesMax: number, onMessage: OnMessage) {
    this.#messageBytesMax = messageBytesMax
    this.#onMessage = onMessage
  }

  /** Takes the next chunk, which must not be written to afterwards. Throws FORMAT where no message can stand. */
  push(chunk: Buffer): void {
    let at = this.#headerFilled === 0 ? 0 : this.#gather(chunk, 0)
    while (at + HEADER_BYTES <= chunk.length) {
      const start = at + HEADER_BYTES
      const end = start + this.#payloadBytes(chunk, at)
      if (end > chunk.length) break
      this.#onMessage(chunk[at], chunk, start, end)
      at = end
    }
    if (at < chunk.length) this.#gather(chunk, at)
  }

  /** Begins a message that goes on in the next chunk, or adds to the one begun; returns where the chunk goes on after it. */
  #gather(chunk: Buffer, from: number): number {
    let at = from
    if (this.#partial === undefined) {
      const copied = chunk.copy(this.#header, this.#headerFilled, at, at + HEADER_BYTES - this.#headerFilled)
      this.#headerFilled += copied
      at += copied
      if (this.#headerFilled < HEADER_BYTES) return at
      this.#partial = new PartialMessage(this.#payloadBytes(this.#header, 0), chunk.length - at)
    }
    at += this.#partial.add(chunk, at)
    const { whole } = this.#partial
    if (whole === undefined) return at
    this.#partial = undefined
    this.#headerFilled = 0
    this.#onMessage(this.#header[0], whole, 0, whole.length)
    return at
  }

  #payloadBytes(bytes: Uint8Array, at: number): number {
    const payloadBytes = uint32At(bytes, at + 1) - LENGTH_BYTES
    if (payloadBytes < 0 || payloadBytes > this.#messageBytesMax) {
      throw new BenchError(
        'FORMAT',
        `A Postgres server sent a message of ${payloadBytes} bytes, where none is longer than ${this.#messageBytesMax}: what listens there does not speak its protocol, or others write to the table under test.`,
      )
    }
    return payloadBytes
  }
}
