// A session on a node: writes are sent as they are, and whatever goes wrong becomes an outcome.
import type { Address, RowVersions, Session, SessionOptions } from '../../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../../bench/contract/errors.ts'
import { OUTCOME, type WriteResult } from '../../../bench/contract/outcome.ts'
import type { RowBatch } from '../../../bench/contract/table.ts'
import type { Dc } from '../../../bench/contract/topology.ts'
import { delay } from '../../../bench/lib/clock.ts'
import { NoAnswer, NodeConnection } from './connection.ts'
import { FRAME_HEADER_BYTES, MalformedFrame } from './frame.ts'
import { MESSAGE, ROLE, decodeExactly, encodeNumbers } from './message.ts'
import { packBatch } from './packed-rows.ts'
import { vectorDcsOf } from './services.ts'
import { decodeWriteAnswer } from './write-answer.ts'

/** A node that is down is asked again this much later, not at once. */
const RECONNECT_PAUSE_MS = 50

/** Opens a session on the node of `dc`; rejects with STORE when it cannot be reached. */
export async function openNodeSession(
  dc: Dc,
  address: Address,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  const session = new NodeSession(dc, address, options)
  try {
    await session.connect(signal)
  } catch (error) {
    const why = messageOf(error)
    throw new BenchError('STORE', `No session on the node of ${dc.name}: ${why}; the node's log may say more.`, {
      cause: error,
    })
  }
  return session
}

class NodeSession implements Session {
  readonly #dc: Dc
  readonly #address: Address
  readonly #options: SessionOptions
  readonly #vectorDcs: number
  #connection: NodeConnection | undefined
  #connecting: Promise<NodeConnection> | undefined
  #lastFailureMs = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(dc: Dc, address: Address, options: SessionOptions) {
    this.#dc = dc
    this.#address = address
    this.#options = options
    this.#vectorDcs = vectorDcsOf(options.plan)
  }

  connect(signal?: AbortSignal): Promise<NodeConnection> {
    this.#connecting ??= this.#open(signal).finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async write(batch: RowBatch): Promise<WriteResult> {
    const frame = packBatch(batch, FRAME_HEADER_BYTES, this.#vectorDcs)
    try {
      const connection = this.#usable ?? (await this.connect())
      const answer = await connection.askFrame(MESSAGE.write, frame)
      return decodeWriteAnswer(answer, batch.count, this.#vectorDcs)
    } catch (error) {
      if (error instanceof MalformedFrame) return { outcome: OUTCOME.info, error: 'malformed' }
      if (!(error instanceof NoAnswer)) throw error
      // What was never sent, or was refused, has certainly not happened.
      const unsent = error.word === 'unreachable' || error.word === 'refused'
      return { outcome: unsent ? OUTCOME.fail : OUTCOME.info, error: error.word }
    }
  }

  async read(keys: Float64Array): Promise<RowVersions> {
    const connection = this.#usable ?? (await this.connect())
    const { length } = keys
    const answer = await connection.ask(MESSAGE.read, encodeNumbers(keys))
    const numbers = decodeExactly(answer, (2 + this.#vectorDcs) * length)
    const rows = { dots: numbers.subarray(0, length), versions: numbers.subarray(length, 2 * length) }
    return this.#vectorDcs === 0 ? rows : { ...rows, seen: numbers.subarray(2 * length) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#connection?.close()
    await this.#connecting?.then(
      (connection) => connection.close(),
      () => {},
    )
  }

  get #usable(): NodeConnection | undefined {
    return this.#connection?.closed === false ? this.#connection : undefined
  }

  async #open(signal?: AbortSignal): Promise<NodeConnection> {
    if (this.#closed) throw new NoAnswer('unreachable', 'the session is closed')
    const { plan, timeoutMs } = this.#options
    const pauseMs = Math.min(RECONNECT_PAUSE_MS, timeoutMs / 2) - (performance.now() - this.#lastFailureMs)
    if (pauseMs > 0) await delay(pauseMs, signal)
    const hello = { role: ROLE.client, dcIndex: this.#dc.index, secret: plan.secret }
    try {
      this.#connection = await NodeConnection.open({ address: this.#address, hello, timeoutMs }, signal)
      return this.#connection
    } catch (error) {
      this.#lastFailureMs = performance.now()
      throw error
    }
  }
}
