// Cuts a Postgres connection's bytes into protocol messages without copying: only a message that straddles two chunks is
// put together in memory of its own.
//
//   message = type u8 · length i32 (itself included) · payload                       big-endian
import { BenchError } from '../../bench/contract/errors.ts'

const HEADER_BYTES = 5
/** A server's own limit for one message. */
const MESSAGE_BYTES_MAX = 1 << 30

/** Gets each message's type and where its payload stands: `bytes[start … end)`, which is never written again. */
type OnMessage = (type: number, bytes: Buffer, start: number, end: number) => void

/** Unsigned 32-bit big-endian integer at `at`. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}

/** 64-bit big-endian integer at `at` as a number: exact for what geowrite stores and for log positions below 2^53. */
export function int64At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3] | 0) * 4294967296 +
    uint32At(bytes, at + 4)
  )
}

export class FrameSplitter {
  readonly #onMessage: OnMessage
  /** The message begun in earlier chunks: at first only its header, then as long as the header says. */
  #partial = Buffer.alloc(0)
  #have = 0

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage
  }

  /** Takes the next chunk, which must not be written to afterwards. Throws FORMAT where no message can stand. */
  push(chunk: Buffer): void {
    let at = this.#have === 0 ? 0 : this.#complete(chunk)
    if (this.#have > 0) return
    while (at + HEADER_BYTES <= chunk.length) {
      const end = at + 1 + lengthAt(chunk, at)
      if (end > chunk.length) break
      this.#onMessage(chunk[at], chunk, at + HEADER_BYTES, end)
      at = end
    }
    if (at < chunk.length) this.#begin(chunk, at)
  }

  #begin(chunk: Buffer, at: number): void {
    const whole = at + HEADER_BYTES <= chunk.length ? 1 + lengthAt(chunk, at) : HEADER_BYTES
    this.#partial = Buffer.allocUnsafe(whole)
    this.#have = chunk.copy(this.#partial, 0, at)
  }

  /** Adds to the begun message; returns where the chunk goes on after it. `#have` is 0 when it was completed. */
  #complete(chunk: Buffer): number {
    let at = 0
    if (this.#have < HEADER_BYTES) {
      const copied = chunk.copy(this.#partial, this.#have, 0, HEADER_BYTES - this.#have)
      this.#have += copied
      at = copied
      if (this.#have < HEADER_BYTES) return at
    }
    const whole = 1 + lengthAt(this.#partial, 0)
    if (this.#partial.length < whole) {
      const grown = Buffer.allocUnsafe(whole)
      this.#partial.copy(grown, 0, 0, this.#have)
      this.#partial = grown
    }
    const copied = chunk.copy(this.#partial, this.#have, at, at + whole - this.#have)
    this.#have += copied
    at += copied
    if (this.#have === whole) {
      this.#have = 0
      this.#onMessage(this.#partial[0], this.#partial, HEADER_BYTES, whole)
    }
    return at
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const length = uint32At(bytes, at + 1)
  if (length < 4 || length > MESSAGE_BYTES_MAX) {
    throw new BenchError(
      'FORMAT',
      `A Postgres server sent a message of ${length} bytes: what listens there does not speak its protocol.`,
    )
  }
  return length
}
