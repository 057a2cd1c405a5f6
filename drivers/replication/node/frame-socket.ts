// One TCP connection that speaks frames: small frames of one turn leave in one system call, and silence is measured.
import type { Socket } from 'node:net'
import { messageOf } from '../../../bench/contract/errors.ts'
import { FRAME_HEADER_BYTES, FrameReader, MalformedFrame } from './frame.ts'

/** Below this many bytes the frames of a turn are joined; above it, copying them costs more than a vectored write. */
const JOIN_BYTES_MAX = 64 << 10

/** How the reason begins when the other side sent what it must not. */
export const MALFORMED = 'malformed'

interface FrameHandlers {
  frame(type: number, id: number, body: Buffer): void
  /** Everything that was sent has left. */
  drained?(): void
  /** Called once, with what ended the connection. */
  closed(reason: string): void
}

export class FrameSocket {
  /** When bytes last arrived, in ms of `performance.now()`. */
  heardAtMs = performance.now()
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #handlers: FrameHandlers
  #outgoing: Uint8Array[] = []
  #outgoingBytes = 0
  #closed = false

  constructor(socket: Socket, limitBytes: number, handlers: FrameHandlers) {
    this.#socket = socket
    this.#handlers = handlers
    this.#reader = new FrameReader(limitBytes, (type, id, body) => {
      if (!this.#closed) handlers.frame(type, id, body)
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => handlers.drained?.())
    socket.on('error', (error) => this.close(error.message))
    socket.on('close', () => this.close('closed by the other side'))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Bytes handed over that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#outgoingBytes + this.#socket.writableLength
  }

  set limitBytes(bytes: number) {
    this.#reader.limitBytes = bytes
  }

  /** Sends whole frames; a frame may come in several pieces. */
  send(...pieces: Uint8Array[]): void {
    if (this.#closed) return
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush())
    for (const piece of pieces) {
      this.#outgoing.push(piece)
      this.#outgoingBytes += piece.length
    }
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    this.#handlers.closed(reason)
  }

  /** Ends the connection, and nothing else, for an error that its bytes led to. */
  fail(error: unknown): void {
    this.close(`${error instanceof MalformedFrame ? MALFORMED : 'failed'}: ${messageOf(error)}`)
  }

  #flush(): void {
    const pieces = this.#outgoing
    const joined = pieces.length > 1 && this.#outgoingBytes <= JOIN_BYTES_MAX
    this.#outgoing = []
    this.#outgoingBytes = 0
    if (this.#closed) return
    if (joined) {
      this.#socket.write(Buffer.concat(pieces))
      return
    }
    this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    this.#socket.uncork()
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return
    this.heardAtMs = performance.now()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.fail(error)
    }
  }
}

/** Room for a body of `bytes` behind a frame's header. */
export function allocateFrame(bytes: number): Buffer {
  return Buffer.allocUnsafe(FRAME_HEADER_BYTES + bytes)
}
