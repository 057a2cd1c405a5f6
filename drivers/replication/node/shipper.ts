// Ships a node's log to one peer that asked for it: as much as the window allows ahead of what the peer has applied.
import { messageOf } from '../../../bench/contract/errors.ts'
import { MalformedFrame, sealFrame } from './frame.ts'
import type { FrameSocket } from './frame-socket.ts'
import { allocateFrame } from './frame-socket.ts'
import { MESSAGE } from './message.ts'
import type { LogEntry } from './engine.ts'
import type { Store } from './store.ts'

/**
 * Bytes sent and not yet acknowledged as applied. 32 MiB on a round trip of 300 ms are 110 MB/s, more than a node writes;
 * it also bounds what the sender's and the link's buffers hold.
 */
const WINDOW_BYTES = 32 << 20
const CHUNK_BYTES = 1 << 20

export class Shipper {
  readonly #socket: FrameSocket
  readonly #store: Store
  readonly #dcIndex: number
  readonly #stopListening: () => void
  readonly #unacknowledged: { readonly position: number; readonly bytes: number }[] = []
  #windowBytes = 0
  #sent: number
  #reading = false
  #closed = false

  constructor(socket: FrameSocket, store: Store, dcIndex: number, from: number) {
    this.#socket = socket
    this.#store = store
    this.#dcIndex = dcIndex
    this.#sent = from
    store.log.resume(dcIndex, from)
    this.#stopListening = store.log.onPublish(() => this.ship())
  }

  /** The peer has applied the log up to `position`. Throws MalformedFrame for what was not sent: it would be forgotten unseen. */
  acknowledge(position: number): void {
    if (position > this.#sent) throw new MalformedFrame(`row ${position} is acknowledged after ${this.#sent} were sent`)
    this.#store.log.acknowledge(this.#dcIndex, position)
    let applied = 0
    while (applied < this.#unacknowledged.length && this.#unacknowledged[applied].position <= position) {
      this.#windowBytes -= this.#unacknowledged[applied++].bytes
    }
    this.#unacknowledged.splice(0, applied)
    this.ship()
  }

  /** Sends what there is, as far as the window allows. */
  ship(): void {
    const { log } = this.#store
    while (!this.#closed && !this.#reading && this.#sent < log.committed && this.#windowBytes < WINDOW_BYTES) {
      const entries = log.recentAfter(this.#sent, CHUNK_BYTES)
      if (entries === undefined) void this.#readBack()
      else for (const entry of entries) this.#send(entry)
    }
  }

  beat(): void {
    this.#socket.send(sealFrame(allocateFrame(0), MESSAGE.beat, 0))
  }

  close(): void {
    this.#closed = true
    this.#stopListening()
  }

  async #readBack(): Promise<void> {
    this.#reading = true
    try {
      const entries = await this.#store.engine.entriesAfter(this.#sent, CHUNK_BYTES)
      if (this.#closed) return
      if (entries.length === 0) throw new Error(`the log holds nothing after ${this.#sent}`)
      for (const entry of entries) this.#send(entry)
    } catch (error) {
      this.#socket.close(`reading the log failed: ${messageOf(error)}`)
    } finally {
      this.#reading = false
    }
    this.ship()
  }

  #send({ position, payload }: LogEntry): void {
    const head = Buffer.allocUnsafe(17)
    head.writeUInt32LE(13 + payload.length, 0)
    head[4] = MESSAGE.entry
    head.writeUInt32LE(0, 5)
    head.writeDoubleLE(position, 9)
    this.#socket.send(head, payload)
    this.#sent = position
    this.#windowBytes += payload.length
    this.#unacknowledged.push({ position, bytes: payload.length })
  }
}
