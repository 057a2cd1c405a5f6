// Frames on a node's TCP connections, little-endian. A malformed one ends the connection; it never crashes or bloats the reader.
//
//   frame = length u32 (of what follows) · type u8 · id u32 · body
//
// `id` names a request and its reply; 0 where nothing is answered.

export const FRAME_HEADER_BYTES = 9
/** The longest frame that an authenticated connection may send. */
export const FRAME_BYTES_MAX = 32 << 20
/** The longest frame before authentication: room for a greeting and no more. */
export const GREETING_BYTES_MAX = 1024

/** What was wrong with bytes from the network; its message is the reason that is logged. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame'
}

/** Fills in the header of a frame whose body already stands behind it; returns the frame. */
export function sealFrame(frame: Buffer, type: number, id: number): Buffer {
  frame.writeUInt32LE(frame.length - 4, 0)
  frame[4] = type
  frame.writeUInt32LE(id, 5)
  return frame
}

/** A frame around a small body. */
export function frameOf(type: number, id: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length)
  frame.set(body, FRAME_HEADER_BYTES)
  return sealFrame(frame, type, id)
}

type OnFrame = (type: number, id: number, body: Buffer) => void

/**
 * Cuts a stream of chunks into frames. Bodies within one chunk are slices of it, others are copied once into a buffer of
 * their own; either may be kept.
 */
export class FrameReader {
  /** Frames longer than this are malformed; raised once the other side has authenticated itself. */
  limitBytes: number
  readonly #onFrame: OnFrame
  readonly #length = Buffer.alloc(4)
  #lengthFilled = 0
  #partial: Buffer | undefined
  #partialFilled = 0

  constructor(limitBytes: number, onFrame: OnFrame) {
    this.limitBytes = limitBytes
    this.#onFrame = onFrame
  }

  /** Takes the next bytes and hands over every frame that they complete; throws MalformedFrame. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#partial !== undefined) {
        at += this.#fill(this.#partial, chunk, at)
      } else if (this.#lengthFilled === 0 && chunk.length - at >= 4) {
        at = this.#start(this.#checked(chunk.readUInt32LE(at)), chunk, at + 4)
      } else {
        this.#length[this.#lengthFilled++] = chunk[at++]
        if (this.#lengthFilled === 4) {
          this.#lengthFilled = 0
          at = this.#start(this.#checked(this.#length.readUInt32LE(0)), chunk, at)
        }
      }
    }
  }

  #checked(length: number): number {
    if (length < FRAME_HEADER_BYTES - 4)
      throw new MalformedFrame(`a frame of ${length} bytes has no room for its header`)
    if (length > this.limitBytes) {
      throw new MalformedFrame(`a frame of ${length} bytes is longer than the ${this.limitBytes} allowed`)
    }
    return length
  }

  #start(length: number, chunk: Buffer, at: number): number {
    if (chunk.length - at >= length) {
      this.#deliver(chunk.subarray(at, at + length))
      return at + length
    }
    this.#partial = Buffer.allocUnsafeSlow(length)
    this.#partialFilled = 0
    return at
  }

  #fill(partial: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(partial, this.#partialFilled, at)
    this.#partialFilled += copied
    if (this.#partialFilled === partial.length) {
      this.#partial = undefined
      this.#deliver(partial)
    }
    return copied
  }

  #deliver(content: Buffer): void {
    this.#onFrame(content[0], content.readUInt32LE(1), content.subarray(5))
  }
}
