// One column of a batch as Postgres's binary array: what unnest() takes apart again on the server.
//
//   dimensions i32 (1) · has nulls i32 (0, 1) · element type u32 · length i32 · lower bound i32 (1) · elements
//   element = length i32 (-1 for NULL) · bytes                                     all big-endian

/** Type numbers of pg_type that batches use. */
export const TYPE = { int8: 20, int4: 23, text: 25 } as const

const HEADER_BYTES = 20
const FIRST_BYTES = 16 * 1024
/** Below this a loop is faster than a call into the runtime. */
const LOOP_BYTES_MAX = 40

/** The two words of a safe integer's 64 bits, big-endian, at `at`. */
export function writeInt64(into: Uint8Array, at: number, value: number): void {
  writeUint32(into, at, Math.floor(value / 4294967296))
  writeUint32(into, at + 4, value)
}

function writeUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24
  into[at + 1] = value >>> 16
  into[at + 2] = value >>> 8
  into[at + 3] = value
}

/** A binary array under construction; its memory is kept from one batch to the next. */
export class ArrayParameter {
  readonly #type: number
  #bytes: Buffer
  #at = HEADER_BYTES
  #count = 0
  #hasNulls = false

  constructor(type: number) {
    this.#type = type
    this.#bytes = Buffer.allocUnsafe(FIRST_BYTES)
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }

  #copy(source: Uint8Array, start: number, length: number): void {
    const bytes = this.#bytes
    const at = this.#at
    if (length <= LOOP_BYTES_MAX) for (let i = 0; i < length; i++) bytes[at + i] = source[start + i]
    else bytes.set(source.subarray(start, start + length), at)
    this.#at = at + length
  }

  addInt64(value: number): void {
    this.#reserve(12)
    writeUint32(this.#bytes, this.#at, 8)
    writeInt64(this.#bytes, this.#at + 4, value)
    this.#at += 12
    this.#count++
  }

  addInt32(value: number): void {
    this.#reserve(8)
    writeUint32(this.#bytes, this.#at, 4)
    writeUint32(this.#bytes, this.#at + 4, value)
    this.#at += 8
    this.#count++
  }

  addBytes(source: Uint8Array, start: number, length: number): void {
    this.#reserve(4 + length)
    writeUint32(this.#bytes, this.#at, length)
    this.#at += 4
    this.#copy(source, start, length)
    this.#count++
  }

  addNull(): void {
    this.#reserve(4)
    writeUint32(this.#bytes, this.#at, 0xffffffff)
    this.#at += 4
    this.#count++
    this.#hasNulls = true
  }

  /** Adds an element that already stands in `source` as length and bytes: the form of a replicated tuple's columns. */
  addElement(source: Uint8Array, start: number, bytes: number): void {
    this.#reserve(bytes)
    this.#copy(source, start, bytes)
    this.#count++
  }

  /** The finished array, valid until the next `take` or addition; what is added from here on starts a new one. */
  take(): Buffer {
    const bytes = this.#bytes
    writeUint32(bytes, 0, 1)
    writeUint32(bytes, 4, this.#hasNulls ? 1 : 0)
    writeUint32(bytes, 8, this.#type)
    writeUint32(bytes, 12, this.#count)
    writeUint32(bytes, 16, 1)
    const taken = bytes.subarray(0, this.#at)
    this.#at = HEADER_BYTES
    this.#count = 0
    this.#hasNulls = false
    return taken
  }
}
