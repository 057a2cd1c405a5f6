// The asking side of a node's protocol: one authenticated connection, many requests under way, replies by id.
import { connect } from 'node:net'
import type { Address } from '../../../bench/contract/driver.ts'
import { messageOf } from '../../../bench/contract/errors.ts'
import { FRAME_BYTES_MAX, MalformedFrame, frameOf, sealFrame } from './frame.ts'
import { FrameSocket, MALFORMED } from './frame-socket.ts'
import { type Hello, MESSAGE, REFUSED, REPLY, encodeHello, refusalIn } from './message.ts'

/**
 * Why a request has no answer, as a short word: `timeout`, `connection-lost`, `malformed` (what came instead cannot be read),
 * `unreachable` (never sent) or `refused`.
 */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly word: 'timeout' | 'connection-lost' | 'malformed' | 'unreachable' | 'refused'

  constructor(word: NoAnswer['word'], message: string) {
    super(message)
    this.word = word
  }
}

interface Pending {
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: NoAnswer) => void
  readonly sentAtMs: number
  readonly type: number
}

interface ConnectionOptions {
  readonly address: Address
  readonly hello: Hello
  /** How long a request, or connecting, may take. */
  readonly timeoutMs: number
}

export class NodeConnection {
  readonly #socket: FrameSocket
  readonly #timeoutMs: number
  readonly #sweepMs: number
  readonly #sweep: NodeJS.Timeout
  /** In the order of sending, so that the first is always the next to time out. */
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  /** When the first request was sent since anything was heard: a node that nobody asks need not say anything. */
  #askedAtMs = Number.NEGATIVE_INFINITY

  private constructor(socket: FrameSocket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
    this.#sweepMs = Math.max(2, Math.min(100, timeoutMs / 10))
    // One timer for all requests: a timer each costs more than the request.
    this.#sweep = setInterval(() => this.#expire(), this.#sweepMs)
    this.#sweep.unref()
  }

  /** Connects and authenticates; rejects with NoAnswer `unreachable` when that fails or takes longer than the timeout. */
  static open({ address, hello, timeoutMs }: ConnectionOptions, signal?: AbortSignal): Promise<NodeConnection> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      const tcp = connect(address.port, address.host)
      const give = (why: string) => {
        socket.close(why)
        settle()
        reject(new NoAnswer('unreachable', `${address.host}:${address.port} cannot be reached: ${why}`))
      }
      const onAbort = () => give(messageOf(signal?.reason))
      const timer = setTimeout(() => give(`no answer within ${timeoutMs} ms`), timeoutMs)
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const socket: FrameSocket = new FrameSocket(tcp, FRAME_BYTES_MAX, {
        frame: (type, id, body) => connection.#answer(type, id, body),
        closed: (reason) => connection.#lose(reason),
      })
      const connection: NodeConnection = new NodeConnection(socket, timeoutMs)
      connection.ask(MESSAGE.hello, encodeHello(hello)).then(
        () => {
          settle()
          resolve(connection)
        },
        (error: unknown) => give(messageOf(error)),
      )
    })
  }

  get closed(): boolean {
    return this.#socket.closed
  }

  /** Asks with a small body; rejects with NoAnswer. */
  ask(type: number, body: Uint8Array): Promise<Buffer> {
    return this.#send(type, (id) => frameOf(type, id, body))
  }

  /** Asks with a whole frame whose body is in place, and whose header this fills in. */
  askFrame(type: number, frame: Buffer): Promise<Buffer> {
    return this.#send(type, (id) => sealFrame(frame, type, id))
  }

  close(): void {
    this.#socket.close('closed here')
  }

  #send(type: number, frame: (id: number) => Buffer): Promise<Buffer> {
    if (this.closed) return Promise.reject(new NoAnswer('unreachable', 'the connection is closed'))
    const id = this.#nextId
    this.#nextId = id === 0xffffffff ? 1 : id + 1
    return new Promise((resolve, reject) => {
      const sentAtMs = performance.now()
      if (this.#socket.heardAtMs > this.#askedAtMs) this.#askedAtMs = sentAtMs
      this.#pending.set(id, { resolve, reject, sentAtMs, type })
      this.#socket.send(frame(id))
    })
  }

  #answer(type: number, id: number, body: Buffer): void {
    const pending = this.#pending.get(id)
    // An answer that came after its time is of no use: the asker was told that it is unknown.
    if (pending === undefined) return
    if (type !== pending.type + REPLY && type !== REFUSED) {
      throw new MalformedFrame(`an answer of type ${type} to a request of type ${pending.type}`)
    }
    this.#pending.delete(id)
    if (type === REFUSED) pending.reject(new NoAnswer('refused', refusalIn(body)))
    else pending.resolve(body)
  }

  #expire(): void {
    const nowMs = performance.now()
    for (const [id, pending] of this.#pending) {
      if (nowMs - pending.sentAtMs < this.#timeoutMs - this.#sweepMs) break
      this.#pending.delete(id)
      pending.reject(new NoAnswer('timeout', `no answer within ${this.#timeoutMs} ms`))
    }
    // A node that is only slow keeps the connection; one that has said nothing for long is given up.
    const silentMs = nowMs - Math.max(this.#socket.heardAtMs, this.#askedAtMs)
    if (this.#pending.size > 0 && silentMs > 2 * this.#timeoutMs) this.#socket.close('silent for too long')
  }

  #lose(reason: string): void {
    clearInterval(this.#sweep)
    const word = reason.startsWith(MALFORMED) ? 'malformed' : 'connection-lost'
    for (const pending of this.#pending.values()) pending.reject(new NoAnswer(word, reason))
    this.#pending.clear()
  }
}
