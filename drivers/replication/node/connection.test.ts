// When a connection to a node is given up: when it was asked and says nothing, and not because nobody asked it for long.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { NodeConnection } from './connection.ts'
import { FRAME_BYTES_MAX, FrameReader, frameOf } from './frame.ts'
import { MESSAGE, REPLY, ROLE } from './message.ts'

const TIMEOUT_MS = 200
/** Longer than a silent node is borne, and an answer that takes several looks of the one who waits. */
const IDLE_MS = 2.5 * TIMEOUT_MS
const ANSWER_MS = 80

/** A node that greets, and answers everything else `answerMs` later; null: never. */
async function startNode(answerMs: number | null): Promise<Disposable & { open(): Promise<NodeConnection> }> {
  const server = createServer((socket) => {
    const reader = new FrameReader(FRAME_BYTES_MAX, (type, id) => {
      const answer = () => socket.write(frameOf(type + REPLY, id, Buffer.alloc(0)))
      if (type === MESSAGE.hello) answer()
      else if (answerMs !== null) setTimeout(answer, answerMs)
    })
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => reader.push(chunk))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const hello = { role: ROLE.client, dcIndex: 0, secret: 'c0ffee5ec7e7' }
  return {
    open: () => NodeConnection.open({ address, hello, timeoutMs: TIMEOUT_MS }),
    [Symbol.dispose]: () => server.close(),
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a connection that nobody asked for long answers when it is asked again', async () => {
  using node = await startNode(ANSWER_MS)
  const connection = await node.open()
  await connection.ask(MESSAGE.status, Buffer.alloc(0))
  // The rest is what is tested: nothing happens meanwhile that could be awaited.
  await wait(IDLE_MS)
  await connection.ask(MESSAGE.status, Buffer.alloc(0))
  assert.ok(!connection.closed)
  connection.close()
})

test('a node that says nothing is given up, however often it is asked', async () => {
  using node = await startNode(null)
  const connection = await node.open()
  const words: unknown[] = []
  const startedMs = performance.now()
  while (!connection.closed) {
    connection.ask(MESSAGE.status, Buffer.alloc(0)).catch((error: { word: unknown }) => words.push(error.word))
    await wait(TIMEOUT_MS / 10)
  }
  assert.ok(performance.now() - startedMs > 2 * TIMEOUT_MS - TIMEOUT_MS / 5)
  assert.ok(words.includes('timeout'))
  assert.ok(words.includes('connection-lost'))
})
