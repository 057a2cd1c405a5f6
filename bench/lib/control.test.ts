// The control channel with what is no request and no answer on it: an error with a code, and everybody else is served on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Address } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import { ControlClient, serveControl } from './control.ts'

const addressOf = (server: Server): Address => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })

/** A service that answers whatever it is asked with these bytes, and nothing else. */
async function answering(bytes: Buffer, end: boolean): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => (end ? socket.end(bytes) : socket.write(bytes)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Whether an error has a code that a script can tell. */
const codeOf = (error: unknown): string => {
  assert.ok(error instanceof BenchError, String((error as Error).stack))
  return error.code
}

test('requests of one client are answered in turn, however long each takes', async () => {
  const waits = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const server = await serveControl(
    { host: '127.0.0.1', port: 0 },
    { wait: (place) => waits[place as number].promise.then(() => place), now: () => 'now' },
  )
  const client = await ControlClient.open(addressOf(server))
  const answers: unknown[] = []
  const asked = [client.ask('wait', 0), client.ask('now'), client.ask('wait', 1)].map((answer) =>
    answer.then((reply) => answers.push(reply)),
  )
  waits[1].resolve()
  waits[0].resolve()
  await Promise.all(asked)
  assert.deepEqual(answers, [0, 'now', 1])
  client.close()
  server.close()
})

test('an answer that is none rejects everything that waits for one, with FORMAT, and closes the channel', async () => {
  const bad = [
    'nonsense\n',
    'null\n',
    '7\n',
    '{}\n',
    '{"error":7}\n',
    '[1]\n',
    '\n',
    '{"reply":1\n',
    'x'.repeat((1 << 20) + 1),
  ]
  for (const bytes of bad) {
    const server = await answering(Buffer.from(bytes), false)
    const client = await ControlClient.open(addressOf(server))
    const asked = await Promise.allSettled([client.ask('counters'), client.ask('counters')])
    const codes = asked.map((answer) => (answer.status === 'rejected' ? codeOf(answer.reason) : 'answered'))
    assert.deepEqual(codes, ['FORMAT', 'FORMAT'], bytes.slice(0, 20))
    assert.equal(client.closed, true)
    server.close()
  }
})

test('an answer that nobody asked for is not taken for the next one', async () => {
  const server = await answering(Buffer.from('{"reply":1}\n{"reply":2}\n'), false)
  const client = await ControlClient.open(addressOf(server))
  assert.equal(await client.ask('counters'), 1)
  await assert.rejects(client.ask('counters'), (error) => /FORMAT|SERVICE_DIED/.test(codeOf(error)))
  server.close()
})

test('any bytes for an answer end in it or in a code', async () => {
  const line = Buffer.from('{"reply":{"payloadBytes":12345,"condition":"open"}}\n')
  const places = fc.array(fc.tuple(fc.nat(line.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  let refused = 0
  await fc.assert(
    fc.asyncProperty(places, fc.nat(line.length), async (changes, end) => {
      const bytes = Buffer.from(line)
      for (const [at, value] of changes) bytes[at] = value
      const server = await answering(bytes.subarray(0, end), true)
      const client = await ControlClient.open(addressOf(server))
      await client.ask('counters').catch((error: unknown) => {
        assert.match(codeOf(error), /^(FORMAT|SERVICE_DIED|BUG)$/)
        refused++
      })
      client.close()
      server.close()
    }),
    { numRuns: 150 },
  )
  assert.ok(refused > 75, `${refused} of 150 were refused`)
})

/** Sends bytes to a service and lets it end the connection or ends it; returns what came back. */
async function send(address: Address, bytes: Buffer): Promise<string> {
  const socket: Socket = connect(address.port, address.host)
  let heard = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk) => (heard += String(chunk)))
  // A service that ends a connection with bytes on their way resets it.
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.end(bytes)
  await closed
  return heard
}

test('a service answers what is no request with an error, and serves its other clients on', async () => {
  const server = await serveControl({ host: '127.0.0.1', port: 0 }, { counters: () => 42 })
  const address = addressOf(server)
  const steady = await ControlClient.open(address)
  const bad = ['nonsense\n', 'null\n', '7\n', '{}\n', '{"request":7}\n', '{"request":"toString"}\n', '{"request":{}}\n']
  for (const line of bad) {
    const { error } = JSON.parse(await send(address, Buffer.from(line))) as { error?: unknown }
    assert.equal(typeof error, 'string', line)
    assert.equal(await steady.ask('counters'), 42)
  }
  assert.equal(await send(address, Buffer.alloc((1 << 20) + 70_000, 'x')), '')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      for (const line of (await send(address, Buffer.from(bytes))).split('\n').slice(0, -1)) {
        assert.equal(typeof (JSON.parse(line) as { error?: unknown }).error, 'string')
      }
    }),
    { numRuns: 100 },
  )
  await assert.rejects(steady.ask('nothing'), { code: 'BUG' })
  assert.equal(await steady.ask('counters'), 42)
  steady.close()
  server.close()
})

test('a client that reads no answers is not read either', async () => {
  let asked = 0
  const answer = 'x'.repeat(100_000)
  const server = await serveControl({ host: '127.0.0.1', port: 0 }, { counters: () => (asked++, answer) })
  const { port } = addressOf(server)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  socket.on('error', () => undefined)
  const requests = Buffer.from('{"request":"counters"}\n'.repeat(50_000))
  socket.write(requests)
  const other = await ControlClient.open({ host: '127.0.0.1', port })
  // So many turns of its own that the service has read all that it would.
  for (let turn = 0; turn < 200; turn++) await other.ask('counters')
  const answered = asked - 200
  other.close()
  socket.destroy()
  server.close()
  assert.ok(answered > 0 && answered < 1000, `${answered} of 50000 requests were answered to nobody`)
})
