// A small request-reply channel to our own services on loopback: one JSON line each way. For settings and counters, never for rows.
import { createServer, connect, type Server, type Socket } from 'node:net'
import type { Address } from '../contract/driver.ts'
import { BenchError, messageOf } from '../contract/errors.ts'

const LINE_BYTES_MAX = 1 << 20
const ANSWER_WITHIN_MS = 10_000

type ControlHandlers = Readonly<Record<string, (argument: unknown) => unknown>>

function onLines(socket: Socket, handle: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    rest += chunk
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      handle(rest.slice(0, end))
      rest = rest.slice(end + 1)
    }
    if (rest.length > LINE_BYTES_MAX) socket.destroy()
  })
}

/** Serves named requests on a loopback port; resolves when it listens. */
export function serveControl(address: Address, handlers: ControlHandlers): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    onLines(socket, (line) => {
      void (async () => {
        try {
          const { request, argument } = JSON.parse(line) as { request: string; argument: unknown }
          const handler = Object.hasOwn(handlers, request) ? handlers[request] : undefined
          if (handler === undefined) throw new Error(`no such request: ${request}`)
          socket.write(`${JSON.stringify({ reply: (await handler(argument)) ?? null })}\n`)
        } catch (error) {
          socket.write(`${JSON.stringify({ error: messageOf(error) })}\n`)
        }
      })()
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => resolve(server))
  })
}

/** One open channel to a service; requests are answered in turn. */
export class ControlClient {
  readonly #socket: Socket
  readonly #waiting: { resolve: (reply: unknown) => void; reject: (error: Error) => void }[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    onLines(socket, (line) => {
      const { reply, error } = JSON.parse(line) as { reply?: unknown; error?: string }
      const next = this.#waiting.shift()
      if (error === undefined) next?.resolve(reply)
      else next?.reject(new BenchError('BUG', `A service refused a request: ${error}.`))
    })
    const fail = () => {
      for (const { reject } of this.#waiting.splice(0))
        reject(
          new BenchError(
            'SERVICE_DIED',
            'A service closed its control channel while it was asked something; its log says why.',
          ),
        )
    }
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
}
