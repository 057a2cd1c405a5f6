// The peer process that sends bytes from one `net` socket to another of its own, through a relay or not, and counts what arrives.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Address } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import { servePeer } from './serve-peer.ts'

export interface RelayStreamOrder {
  /** Where the bytes enter, and where they come out; the same address where there is nothing in between. */
  readonly entry: Address
  readonly exit: Address
  /** null: as fast as they are taken. */
  readonly bytesPerSecond: number | null
  /** Whether bytes flow from the beginning to the end, turns or not; else only in turns, each to the last byte. */
  readonly always: boolean
}

const PIECE = Buffer.alloc(64 << 10)
const PACE_EVERY_MS = 1

const ticks = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Writes until `isOver` says so, no faster than `bytesPerSecond`. Returns how many bytes that were. */
async function send(socket: Socket, bytesPerSecond: number | null, isOver: () => boolean): Promise<number> {
  const startUs = nowUs()
  let sent = 0
  while (!isOver()) {
    if (bytesPerSecond !== null && sent >= ((nowUs() - startUs) / 1e6) * bytesPerSecond) await ticks(PACE_EVERY_MS)
    else {
      sent += PIECE.length
      if (!socket.write(PIECE)) await once(socket, 'drain')
    }
  }
  return sent
}

servePeer<RelayStreamOrder>(async ({ entry, exit, bytesPerSecond, always }) => {
  let received = 0
  const server = createServer((socket) => socket.on('data', (bytes: Buffer) => (received += bytes.length)))
  server.listen(exit)
  await once(server, 'listening')
  const source = connect({ ...entry, noDelay: true })
  await once(source, 'connect')
  if (always) {
    void send(source, bytesPerSecond, () => false)
    // oxlint-disable-next-line no-unmodified-loop-condition -- changed by what is called meanwhile
    while (received === 0) await ticks(1)
  }
  return async (endUs) => {
    const before = received
    if (always) await ticks((endUs - nowUs()) / 1000)
    else {
      const sent = await send(source, bytesPerSecond, () => nowUs() >= endUs)
      // oxlint-disable-next-line no-unmodified-loop-condition -- changed by what is called meanwhile
      while (received - before < sent) await ticks(1)
    }
    return received - before
  }
})
