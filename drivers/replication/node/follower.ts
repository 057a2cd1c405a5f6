// Follows the log of one peer through the link: subscribes from what is applied here, applies what comes, acknowledges it,
// and starts again for as long as the node runs. A dead link shows as silence, since both ends speak each second.
import { connect } from 'node:net'
import type { Address } from '../../../bench/contract/driver.ts'
import { DueQueue } from './due-queue.ts'
import type { EntryPart } from './engine.ts'
import { FRAME_BYTES_MAX, MalformedFrame, frameOf } from './frame.ts'
import { FrameSocket } from './frame-socket.ts'
import { MESSAGE, REFUSED, REPLY, ROLE, decodeExactly, encodeHello, encodeNumbers, refusalIn } from './message.ts'
import { Serial } from './serial.ts'
import { partsOf } from './entry-parts.ts'
import type { Store } from './store.ts'

/** Both ends of a stream say something this often. */
export const BEAT_MS = 1000
/** A stream whose other end has been silent for longer is given up. */
export const SILENCE_MS = 5000
const BACKOFF_FIRST_MS = 50
const BACKOFF_MAX_MS = 500
/** Bytes received and not yet committed beyond which no more are taken, so that local writes are not crowded out. */
const UNCOMMITTED_BYTES_MAX = 4 << 20

export interface Peer {
  readonly dc: string
  readonly index: number
  readonly address: Address
}

interface FollowerOptions {
  readonly peer: Peer
  readonly ownIndex: number
  readonly secret: string
  readonly store: Store
  readonly log: (line: string) => void
}

export class Follower {
  readonly peer: Peer
  readonly #options: FollowerOptions
  readonly #due = new DueQueue()
  #socket: FrameSocket | undefined
  #beat: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #backoffMs = BACKOFF_FIRST_MS
  #closed = false
  #following = false
  reconnects = 0

  constructor(options: FollowerOptions) {
    this.peer = options.peer
    this.#options = options
    this.#connect()
  }

  /** The stream is open: the peer has said from where it ships. */
  get following(): boolean {
    return this.#following
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#socket?.close('the node ends')
    this.#due.close()
  }

  #connect(): void {
    const { peer, ownIndex, secret, store } = this.#options
    let uncommittedBytes = 0
    let logId = 0
    let committedPosition = 0
    /** Where the last entry ends that has come; nothing may come before the peer has said from where it ships. */
    let received = Number.POSITIVE_INFINITY
    const jobs = new Serial((error) => socket.fail(error))

    const receive = (body: Buffer) => {
      const [position] = decodeExactly(body.subarray(0, 8), 1)
      const entry = { position, payload: body.subarray(8) }
      if (position <= received) throw new MalformedFrame(`an entry that ends at row ${position} out of its turn`)
      received = position
      uncommittedBytes += body.length
      const lateMs = store.disturbance?.applyDelayMs
      if (uncommittedBytes > UNCOMMITTED_BYTES_MAX && lateMs === undefined) socket.pause()
      const apply = (part: EntryPart) => {
        const done = () => {
          if (part.unfinished !== true) committed(entry.position, body.length)
        }
        jobs.push(() => store.apply(peer.index, logId, part, done))
      }
      if (lateMs === undefined) apply(entry)
      else
        for (const { part, delayMs } of partsOf(entry, store.vectorDcs, lateMs))
          this.#due.push(() => apply(part), delayMs)
    }
    const committed = (position: number, bytes: number) => {
      committedPosition = position
      uncommittedBytes -= bytes
      if (uncommittedBytes <= UNCOMMITTED_BYTES_MAX / 2) socket.resume()
      // One acknowledgement for all the entries of a commit.
      if (!acknowledging) queueMicrotask(acknowledge)
      acknowledging = true
    }
    let acknowledging = false
    const acknowledge = () => {
      acknowledging = false
      if (this.#following) socket.send(frameOf(MESSAGE.acknowledge, 0, encodeNumbers([committedPosition])))
    }
    const begin = (body: Buffer) => {
      const [id, from] = decodeExactly(body, 2)
      if (received !== Number.POSITIVE_INFINITY) throw new MalformedFrame('a second beginning')
      received = from
      const applied = store.appliedOf(peer.index)
      logId = id
      if (applied.logId !== id || from !== applied.position) {
        const missed = from - (applied.logId === id ? applied.position : 0)
        store.counters.log_gap_rows += missed
        if (missed > 0)
          this.#options.log(`${missed} rows of ${peer.dc} were gone from its log before they were applied here`)
        store.resumeFrom(peer.index, { logId: id, position: from })
      }
      committedPosition = from
      this.#following = true
      this.#backoffMs = BACKOFF_FIRST_MS
      this.#options.log(`following ${peer.dc} from row ${from}`)
    }

    const socket = new FrameSocket(connect(peer.address.port, peer.address.host), FRAME_BYTES_MAX, {
      frame: (type, _id, body) => {
        if (type === MESSAGE.entry) receive(body)
        else if (type === MESSAGE.stream + REPLY) begin(body)
        else if (type === REFUSED) socket.close(`refused: ${refusalIn(body)}`)
        else if (type !== MESSAGE.beat && type !== MESSAGE.hello + REPLY) throw new MalformedFrame(`message ${type}`)
      },
      closed: (reason) => {
        jobs.clear()
        this.#lost(reason)
      },
    })
    this.#socket = socket
    const { logId: knownLog, position } = store.appliedOf(peer.index)
    socket.send(frameOf(MESSAGE.hello, 1, encodeHello({ role: ROLE.peer, dcIndex: ownIndex, secret })))
    // The peer may forget what is asked to be skipped: that must be committed first.
    store.whenCommitted(() => socket.send(frameOf(MESSAGE.stream, 2, encodeNumbers([knownLog, position]))))
    this.#beat = setInterval(() => {
      if (performance.now() - socket.heardAtMs > SILENCE_MS) socket.close(`silent for ${SILENCE_MS} ms`)
      else acknowledge()
    }, BEAT_MS)
  }

  #lost(reason: string): void {
    clearInterval(this.#beat)
    if (this.#closed) return
    if (this.#following) this.#options.log(`lost ${this.peer.dc}: ${reason}`)
    this.#following = false
    this.reconnects++
    this.#retry = setTimeout(() => this.#connect(), this.#backoffMs)
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, 2 * this.#backoffMs)
  }
}
