// A connection on which a Postgres server streams its changes. The client library opens it and logs in; from then on we
// read the socket's chunks ourselves, since an event and an object a message are too slow.
import type { Client, Connection, Submittable } from 'pg'
import { escapeLiteral } from 'pg'
import { BenchError } from '../../bench/contract/errors.ts'
import { ReadingRest } from '../../bench/lib/reading-rest.ts'
import { writeInt64 } from './array-parameter.ts'
import { messageBytesMax, StreamDecoder, type StreamColumn, type StreamSink } from '../replication/pgoutput.ts'
import { FrameSplitter } from '../replication/pgoutput-frames.ts'

const COPY_BOTH = 'W'.charCodeAt(0)
const COPY_DATA = 'd'.charCodeAt(0)
/** CopyDone; and CommandComplete, which a sender of the log says by itself when its server is told to stop (WalSndDone). */
const ENDS = new Set(['c', 'C'].map((letter) => letter.charCodeAt(0)))
const ERROR = 'E'.charCodeAt(0)
/** Notices, parameters and notifications may come at any time (protocol, "Asynchronous Operations"). */
const ASIDES = new Set(['N', 'S', 'A'].map((letter) => letter.charCodeAt(0)))
/** Postgres counts time from 2000-01-01. */
const EPOCH_MS = 946_684_800_000
const STATUS_BYTES = 39

/** A log position as Postgres writes it: two hexadecimal numbers. */
const lsnText = (lsn: number): string =>
  `${Math.floor(lsn / 4294967296).toString(16)}/${(lsn % 4294967296).toString(16)}`.toUpperCase()

/** The bytes of a log position written by Postgres. Throws FORMAT for what is none, or none below 2^53. */
export function parseLsn(text: string): number {
  const [, high, low] = /^([0-9A-F]{1,6})\/([0-9A-F]{1,8})$/i.exec(text) ?? []
  const lsn = Number.parseInt(high, 16) * 4294967296 + Number.parseInt(low, 16)
  if (Number.isSafeInteger(lsn)) return lsn
  throw new BenchError('FORMAT', `The Postgres server says "${text}" for a log position: geowrite cannot read it.`)
}

/** What an ErrorResponse says, as an error with the server's `code`. */
function serverError(bytes: Buffer, start: number, end: number): Error {
  const fields = new Map<string, string>()
  for (const field of bytes.toString('utf8', start, end).split('\0')) fields.set(field.slice(0, 1), field.slice(1))
  return Object.assign(new Error(fields.get('M') ?? 'the server reported an error'), { code: fields.get('C') ?? '' })
}

export interface StreamPlan {
  readonly slot: string
  readonly publication: string
  readonly fromLsn: number
  readonly columns: readonly StreamColumn[]
}

/** What happens beside the changes: each chunk's end, and the stream's. */
interface StreamEvents {
  /** All messages of a chunk have been handed to the sink. */
  chunk(bytes: number): void
  /** The stream ended, once; nothing comes after it. */
  ended(error: Error): void
}

export class ReplicationStream implements Submittable {
  readonly #client: Client
  readonly #text: string
  readonly #events: StreamEvents
  readonly #splitter: FrameSplitter
  readonly #status = Buffer.alloc(STATUS_BYTES)
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers()
  #ended = false
  #paused = false
  /** The server sends every row by itself. */
  readonly #rest = new ReadingRest(() => this.#readOrNot())

  private constructor(client: Client, plan: StreamPlan, sink: StreamSink, events: StreamEvents) {
    this.#client = client
    this.#events = events
    const options = `proto_version '1', publication_names ${escapeLiteral(plan.publication)}, binary 'true', origin 'none', messages 'false'`
    this.#text = `START_REPLICATION SLOT ${plan.slot} LOGICAL ${lsnText(plan.fromLsn)} (${options})`
    const decoder = new StreamDecoder(plan.columns, sink)
    this.#splitter = new FrameSplitter(messageBytesMax(plan.columns.length), (type, bytes, start, end) => {
      if (type === COPY_DATA) decoder.decode(bytes, start, end)
      else if (type === COPY_BOTH) this.#started.resolve()
      else if (type === ERROR) throw serverError(bytes, start, end)
      else if (ENDS.has(type)) throw new Error('the server ended the stream')
      else if (!ASIDES.has(type)) {
        throw new BenchError(
          'FORMAT',
          `The Postgres server sent a message of kind ${type} in its replication stream, where none is: what listens there does not speak its protocol.`,
        )
      }
    })
  }

  /** Starts streaming on a fresh replication connection, which from then on belongs to the stream. Rejects with the server's error. */
  static async start(
    client: Client,
    plan: StreamPlan,
    sink: StreamSink,
    events: StreamEvents,
  ): Promise<ReplicationStream> {
    const stream = new ReplicationStream(client, plan, sink, events)
    client.query(stream)
    await stream.#started.promise
    return stream
  }

  /** Called by the client library when the connection is free for our command. */
  submit(connection: Connection): void {
    const socket = connection.stream
    const listeners = socket.listeners('data')
    if (listeners.length !== 1) {
      throw new BenchError('BUG', 'The Postgres client library reads its socket in another way than geowrite expects.')
    }
    socket.removeListener('data', listeners[0] as (...data: unknown[]) => void)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
    socket.on('error', (error) => this.#fail(error))
    connection.query(this.#text)
  }

  /** Called by the client library when it sees the connection fail. */
  handleError(error: Error): void {
    this.#fail(error)
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return
    try {
      this.#splitter.push(chunk)
      this.#events.chunk(chunk.length)
      this.#rest.read(chunk.length)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: Error): void {
    if (this.#ended) return
    this.close()
    this.#started.reject(error)
    this.#events.ended(error)
  }

  /** Tells the server that everything before `lsn` is durable here, so that it may forget it. */
  confirm(lsn: number): void {
    const status = this.#status
    status[0] = COPY_DATA
    status.writeUInt32BE(STATUS_BYTES - 1, 1)
    status[5] = 'r'.charCodeAt(0)
    for (const at of [6, 14, 22]) writeInt64(status, at, lsn)
    writeInt64(status, 30, (Date.now() - EPOCH_MS) * 1000)
    status[38] = 0
    if (!this.#ended) this.#client.connection.stream.write(Buffer.from(status))
  }

  #readOrNot(): void {
    const socket = this.#client.connection.stream
    if (this.#paused || this.#rest.rests) socket.pause()
    else socket.resume()
  }

  pause(): void {
    this.#paused = true
    this.#readOrNot()
  }

  resume(): void {
    this.#paused = false
    this.#readOrNot()
  }

  /** Ends it at once, without an `ended` event. */
  close(): void {
    this.#ended = true
    this.#rest.end()
    this.#client.connection.stream.destroy()
  }
}
