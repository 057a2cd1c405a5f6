// A small request-reply channel to our own services on loopback: one JSON line each way. For settings and counters, never for rows.
// Whatever comes instead of a line costs the one who sent it its connection, and nothing else.
import { createServer, connect, type Server, type Socket } from 'node:net'
import type { Address } from '../contract/driver.ts'
import { BenchError, messageOf } from '../contract/errors.ts'
import { type Fields, isFields } from './fields.ts'

const LINE_BYTES_MAX = 1 << 20
/** Requests of one client that may wait for their turn before no more of them are read. */
const WAITING_MAX = 64
const ANSWER_WITHIN_MS = 10_000

type ControlHandlers = Readonly<Record<string, (argument: unknown) => unknown>>

/** Hands over whole lines; `tooLong` is called once where a line does not end, and must end the socket. */
function onLines(socket: Socket, handle: (line: string) => void, tooLong: () => void): void {
  const begun: string[] = []
  let begunLength = 0
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    let from = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      const line = begun.join('') + chunk.slice(from, end)
      begun.length = begunLength = 0
      from = end + 1
      handle(line)
      if (socket.destroyed) return
    }
    if (from < chunk.length) begun.push(chunk.slice(from))
    begunLength += chunk.length - from
    if (begunLength > LINE_BYTES_MAX) tooLong()
  })
}

/** What a line holds if it is an object; else no field is there. */
function fieldsIn(line: string): Fields {
  const value: unknown = JSON.parse(line)
  return isFields(value) ? value : {}
}

async function answerTo(line: string, handlers: ControlHandlers): Promise<string> {
  try {
    const { request, argument } = fieldsIn(line)
    const handler = typeof request === 'string' && Object.hasOwn(handlers, request) ? handlers[request] : undefined
    if (handler === undefined) throw new Error(`no such request: ${JSON.stringify(request)?.slice(0, 100)}`)
    return JSON.stringify({ reply: (await handler(argument)) ?? null })
  } catch (error) {
    return JSON.stringify({ error: messageOf(error) })
  }
}

/** Answers the requests of one client in turn, each when the one before it is answered and not too many answers are unread. */
function serveClient(socket: Socket, handlers: ControlHandlers): void {
  let waiting = 0
  let turn = Promise.resolve()
  let room: PromiseWithResolvers<void> | undefined
  const regulate = () => {
    if (waiting > WAITING_MAX) socket.pause()
    else socket.resume()
  }
  const takeIn = (line: string) => {
    waiting++
    turn = turn.then(async () => {
      if (socket.writableLength > LINE_BYTES_MAX) {
        room = Promise.withResolvers()
        await room.promise
      }
      // Whoever has gone asks for nothing any more.
      if (!socket.destroyed) socket.write(`${await answerTo(line, handlers)}\n`)
      waiting--
      regulate()
    })
    regulate()
  }
  socket.on('error', () => socket.destroy())
  socket.on('drain', () => room?.resolve())
  socket.on('close', () => room?.resolve())
  onLines(socket, takeIn, () => socket.destroy())
}

/** Serves named requests on a loopback port; resolves when it listens. */
export function serveControl(address: Address, handlers: ControlHandlers): Promise<Server> {
  const server = createServer((socket) => serveClient(socket, handlers))
  return new Promise((resolve, reject) => {
    // Later errors tell of a connection that could not be taken, and its maker sees that.
    server.on('error', reject)
    server.listen(address.port, address.host, () => resolve(server))
  })
}

interface Waiting {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: Error) => void
}

/** One open channel to a service; requests are answered in turn. */
export class ControlClient {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    onLines(
      socket,
      (line) => this.#answered(line),
      () => this.#misunderstood(),
    )
    const fail = () =>
      this.#fail(
        new BenchError(
          'SERVICE_DIED',
          'A service closed its control channel while it was asked something; its log says why.',
        ),
      )
    socket.on('error', fail)
    socket.on('close', fail)
  }

  static open(address: Address): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(address.port, address.host)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new ControlClient(socket))
      })
    })
  }

  /**
   * Rejects with BUG where the service refuses, SERVICE_DIED where it does not answer, and FORMAT where what it sends is no answer;
   * after the latter two the channel is closed. What a reply holds is for the asker to check.
   */
  ask<R>(request: string, argument?: unknown): Promise<R> {
    if (this.#socket.destroyed)
      return Promise.reject(
        new BenchError('SERVICE_DIED', 'A service has closed its control channel; its log says why.'),
      )
    return new Promise<R>((resolve, reject) => {
      const timer = setTimeout(() => {
        // The replies of a channel come in turn: after one that is missing none can be told from another.
        this.#socket.destroy()
        reject(
          new BenchError(
            'SERVICE_DIED',
            `A service did not answer "${request}" within ${ANSWER_WITHIN_MS / 1000} s; its log may say why.`,
          ),
        )
      }, ANSWER_WITHIN_MS)
      this.#waiting.push({
        resolve: (reply) => (clearTimeout(timer), resolve(reply as R)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      })
      this.#socket.write(`${JSON.stringify({ request, argument })}\n`)
    })
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  close(): void {
    this.#socket.destroy()
  }

  #answered(line: string): void {
    let fields: Fields
    try {
      fields = fieldsIn(line)
    } catch {
      return this.#misunderstood()
    }
    const { reply, error } = fields
    // Without an asker it would pass for the answer to whatever is asked next.
    if (this.#waiting.length === 0 || (typeof error !== 'string' && (error !== undefined || reply === undefined))) {
      return this.#misunderstood()
    }
    const next = this.#waiting.shift()
    if (typeof error === 'string') next?.reject(new BenchError('BUG', `A service refused a request: ${error}.`))
    else next?.resolve(reply)
  }

  #misunderstood(): void {
    this.#fail(
      new BenchError(
        'FORMAT',
        'What came over a control channel is no answer of a service of this version: something else may listen on its port, and its log may say more.',
      ),
    )
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
