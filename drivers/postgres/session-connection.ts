// The connection of one session: opened again after a loss, and given up when an answer is overdue.
import type { Client } from 'pg'
import { BenchError } from '../../bench/contract/errors.ts'
import { delay } from '../../bench/lib/clock.ts'
import { connect, disconnect, type Connecting } from './connect.ts'
import { CopyIn } from './copy-in.ts'
import { RowQuery } from './row-query.ts'

/** The message of the error with which an overdue statement is rejected. */
export const TIMEOUT = 'timeout'

/** After a failed attempt the next one waits so long: a server that is down must not be asked as fast as it refuses. */
const RECONNECT_GAP_MS = 20

/** A named statement with its parameters: prepared on first use, in each connection once. */
interface Statement {
  readonly name: string
  readonly text: string
  readonly values: (Buffer | null)[]
}

export class SessionConnection {
  readonly #connecting: Connecting
  readonly #timeoutMs: number
  #client: Promise<Client> | undefined
  #open: Client | undefined
  #failedAtMs = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(client: Client, connecting: Connecting, timeoutMs: number) {
    this.#connecting = connecting
    this.#timeoutMs = timeoutMs
    this.#client = Promise.resolve(client)
    this.#adopt(client)
  }

  #adopt(client: Client): void {
    this.#open = client
    const lost = () => this.#forget(client)
    client.on('error', lost)
    client.on('end', lost)
  }

  #forget(client: Client): void {
    if (this.#open !== client) return
    this.#open = undefined
    this.#client = undefined
  }

  /** Nothing that the server still says on this connection would be the answer to what is asked next. */
  #giveUp(client: Client): void {
    this.#forget(client)
    client.connection.stream.destroy()
  }

  /** The open connection, or a new one after a loss: tried once. Those who ask meanwhile share it, in the order of asking. */
  client(): Promise<Client> {
    if (this.#closed) throw new BenchError('BUG', 'A Postgres session was used after it was closed.')
    this.#client ??= this.#reconnect()
    return this.#client
  }

  async #reconnect(): Promise<Client> {
    try {
      await delay(Math.max(0, this.#failedAtMs + RECONNECT_GAP_MS - performance.now()))
      const client = await connect({ ...this.#connecting, patienceMs: 0, attemptMs: this.#timeoutMs })
      if (this.#closed) {
        await disconnect(client)
        throw new BenchError('STORE', 'The session was closed while it connected again.')
      }
      this.#adopt(client)
      return client
    } catch (error) {
      this.#failedAtMs = performance.now()
      this.#client = undefined
      throw error
    }
  }

  /** Runs a statement for at most `leftMs`; rejects with TIMEOUT, or with what the server or the client library says. */
  run(client: Client, statement: Statement, leftMs: number): Promise<string[][]> {
    return this.#bounded(client, leftMs, (resolve, reject) => {
      client.query<string[]>({ ...statement, rowMode: 'array' }, (error: Error | null, result) => {
        if (error === null) resolve(result.rows)
        else reject(error)
      })
    })
  }

  /** Runs a statement that answers with one row; rejects as `run` does. */
  runRow(client: Client, { name, text, values }: Statement, leftMs: number): Promise<readonly string[]> {
    return this.#bounded(client, leftMs, (resolve, reject) => {
      client.query(
        new RowQuery(name, text, values, (error, fields) => (error === null ? resolve(fields) : reject(error))),
      )
    })
  }

  /** Copies rows in one transaction; rejects as `run` does. */
  copy(client: Client, text: string, chunks: readonly Uint8Array[], leftMs: number): Promise<void> {
    return this.#bounded(client, leftMs, (resolve, reject) => {
      client.query(new CopyIn(text, chunks, (error) => (error === null ? resolve() : reject(error))))
    })
  }

  #bounded<T>(
    client: Client,
    leftMs: number,
    start: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const overdue = () => {
        this.#giveUp(client)
        reject(new Error(TIMEOUT))
      }
      const timer = setTimeout(overdue, Math.max(1, leftMs))
      start(
        (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        (error) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    const client = this.#open
    this.#open = undefined
    if (client !== undefined) await disconnect(client)
  }
}
