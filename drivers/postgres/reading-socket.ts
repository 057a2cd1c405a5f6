// A socket for much incoming data: it reads into large pieces of memory that are never written again, and does not read at all
// while it is paused.
import { Socket } from 'node:net'

const PIECE_BYTES = 1 << 20
/** What one read takes at most. */
const READ_BYTES = 128 * 1024

/**
 * Makes one; it emits `data` as any socket. By itself a paused socket goes on reading until its buffer of 64 KiB is full, whereby
 * each little that comes wakes it up, and it makes memory for every read.
 */
export function readingSocket(): Socket {
  let piece = Buffer.alloc(0)
  let used = 0
  const socket = new Socket({
    onread: {
      buffer() {
        if (piece.length - used < READ_BYTES) {
          piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
          used = 0
        }
        return piece.subarray(used, used + READ_BYTES)
      },
      callback(bytes) {
        const chunk = piece.subarray(used, used + bytes)
        used += bytes
        socket.emit('data', chunk)
        return true
      },
    },
  })
  return socket
}
