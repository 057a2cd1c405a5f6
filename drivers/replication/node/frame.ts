// Frames on a node's TCP connections, little-endian. A malformed one ends the connection; it never crashes or bloats the reader.
//
//   frame = length u32 (of what follows) · type u8 · id u32 · body
//
// `id` names a request and its reply; 0 where nothing is answered.
import { BenchError } from '../../../bench/contract/errors.ts'
import { PartialMessage } from '../partial-message.ts'

export const FRAME_HEADER_BYTES = 9
/** The longest frame of an answer or of a peer's log. */
export const FRAME_BYTES_MAX = 32 << 20
/** The longest request of a client: what it writes goes on to the peers with 8 bytes more before it. */
export const REQUEST_BYTES_MAX = FRAME_BYTES_MAX - 8
/** The longest frame before authentication: room for a greeting and no more. */
export const GREETING_BYTES_MAX = 1024

/** What was wrong with bytes from the network (FORMAT); its message is the reason that is logged. */
export class MalformedFrame extends BenchError {
  constructor(reason: string) {
    super('FORMAT', reason)
  }
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
 * Cuts a stream of chunks into frames. Bodies within one chunk are slices of it, others are copied into a buffer of their
 * own, which grows with what has come of them; either may be kept.
 */
export class FrameReader {
  /** Frames longer than this are malformed; raised once the other side has authenticated itself. */
  limitBytes: number
  readonly #onFrame: OnFrame
  readonly #length = Buffer.alloc(4)
  #lengthFilled = 0
  #partial: PartialMessage | undefined

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
    this.#partial = new PartialMessage(length, chunk.length - at)
    return at
  }

  #fill(partial: PartialMessage, chunk: Buffer, at: number): number {
    const copied = partial.add(chunk, at)
    const { whole } = partial
    if (whole !== undefined) {
      this.#partial = undefined
      this.#deliver(whole)
    }
    return copied
  }

  #deliver(content: Buffer): void {
    this.#onFrame(content[0], content.readUInt32LE(1), content.subarray(5))
  }
}
