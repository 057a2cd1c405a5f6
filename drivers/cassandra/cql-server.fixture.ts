// A server that speaks as much CQL as a client needs to connect: it knows itself, no peers and no tables.
import { createServer, type AddressInfo, type Socket } from 'node:net'

const HEADER_BYTES = 9
const OPCODE = { ready: 0x02, supported: 0x06, query: 0x07, result: 0x08, options: 0x05 } as const
const ROWS = 2
const GLOBAL_TABLE = 1
const TEXT = 0x0d

const int = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const short = (value: number) => int(value).subarray(2)
const string = (text: string) => Buffer.concat([short(text.length), Buffer.from(text)])
const value = (text: string) => Buffer.concat([int(text.length), Buffer.from(text)])

/** A result of texts by column, as one row; no columns are no row. */
function resultOf(row: Readonly<Record<string, string>>): Buffer {
  const columns = Object.keys(row)
  const heads = columns.map((name) => Buffer.concat([string(name), short(TEXT)]))
  const values = columns.map((name) => value(row[name]))
  return Buffer.concat([
    ...[ROWS, GLOBAL_TABLE, columns.length].map(int),
    string('system'),
    string('local'),
    ...heads,
    int(columns.length === 0 ? 0 : 1),
    ...values,
  ])
}

export interface CqlServer extends AsyncDisposable {
  readonly port: number
  /** Connections that are open now. */
  open(): number
  /** Answers that wait for `release`. */
  held(): number
  /** Breaks every connection, and from now on holds the answer to who the server is. */
  breakAndHold(): void
  release(): void
}

export async function startCqlServer(dc: string): Promise<CqlServer> {
  const sockets = new Set<Socket>()
  const held: (() => void)[] = []
  let holds = false
  const self = resultOf({
    data_center: dc,
    rack: 'r1',
    release_version: '5.0.6',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  })
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let left = Buffer.alloc(0)
    const answer = (request: Buffer, opcode: number, body: Buffer) => {
      if (socket.destroyed) return
      socket.write(
        Buffer.concat([Buffer.of(0x84, 0), request.subarray(2, 4), Buffer.of(opcode), int(body.length), body]),
      )
    }
    const take = (request: Buffer) => {
      const opcode = request[4]
      if (opcode === OPCODE.options) return answer(request, OPCODE.supported, short(0))
      if (opcode !== OPCODE.query) return answer(request, OPCODE.ready, Buffer.alloc(0))
      const isSelf = request.includes('system.local')
      const tell = () => answer(request, OPCODE.result, isSelf ? self : resultOf({}))
      if (isSelf && holds) held.push(tell)
      else tell()
    }
    socket.on('data', (bytes) => {
      left = Buffer.concat([left, bytes])
      for (;;) {
        if (left.length < HEADER_BYTES) return
        const end = HEADER_BYTES + left.readInt32BE(5)
        if (left.length < end) return
        take(left.subarray(0, end))
        left = left.subarray(end)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    held: () => held.length,
    breakAndHold() {
      holds = true
      for (const socket of sockets) socket.destroy()
    },
    release() {
      for (const tell of held.splice(0)) tell()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
