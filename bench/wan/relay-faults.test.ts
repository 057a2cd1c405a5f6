// What faults ask of a relay beyond delay: one-way holds, attempts that are given up, links that become fast again, restarts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { serveControl } from '../lib/control.ts'
import { nowUs } from '../lib/clock.ts'
import { RelayClient } from './relay-client.ts'
import { connectTo, listen, startRelay } from './relay.fixture.ts'

const LIMIT = { timeout: 15_000 }

/** Resolves when `holds` does; gives up after 8 s. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilUs = nowUs() + 8_000_000
  while (!(await holds())) {
    if (nowUs() > untilUs) throw new Error(`never came to be: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A target that keeps what each connection sent it, and echoes it. */
function keeping(): { onTarget: (socket: Socket) => void; heard: string[] } {
  const heard: string[] = []
  const onTarget = (socket: Socket) => {
    const place = heard.push('') - 1
    socket.on('data', (bytes: Buffer) => {
      heard[place] += bytes.toString()
      socket.write(bytes)
    })
  }
  return { onTarget, heard }
}

test('in a one-way cut requests arrive and their answers wait, until it heals', LIMIT, async () => {
  const { onTarget, heard } = keeping()
  await using relay = await startRelay(onTarget, { delayMs: 5 })
  const socket = await connectTo(relay.entry)
  let answered = ''
  socket.on('data', (bytes: Buffer) => (answered += bytes.toString()))
  socket.write('before ')
  await until(() => answered === 'before ')
  await relay.set('b', { condition: 'hold' })
  socket.write('during ')
  await until(() => heard[0] === 'before during ')
  await until(async () => (await relay.counters())[1].heldBytes === 7)
  assert.equal(answered, 'before ')
  await relay.set('b', { condition: 'open' })
  await until(() => answered === 'before during ')
  socket.destroy()
})

test(
  'a connection made while answers are held is opened, but sends nothing before the first answer',
  LIMIT,
  async () => {
    const { onTarget, heard } = keeping()
    await using relay = await startRelay(onTarget, { delayMs: 5 })
    await relay.set('b', { condition: 'hold' })
    const socket = await connectTo(relay.entry)
    socket.write('hello')
    await until(() => heard.length === 1)
    const mark = await connectTo(relay.entry)
    await until(() => heard.length === 2)
    assert.deepEqual(heard, ['', ''])
    await relay.set('b', { condition: 'open' })
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.deepEqual([answer.toString(), heard], ['hello', ['hello', '']])
    socket.destroy()
    mark.destroy()
  },
)

test('an attempt to connect that is given up in a blackhole never reaches the target', LIMIT, async () => {
  const { onTarget, heard } = keeping()
  await using relay = await startRelay(onTarget, { delayMs: 5 })
  await relay.setBoth({ condition: 'hold' })
  const given = await connectTo(relay.entry)
  given.write('given up')
  given.destroy()
  await once(given, 'close')
  const patient = await connectTo(relay.entry)
  patient.write('patient')
  await until(async () => (await relay.counters())[0].heldBytes === 15)
  await relay.setBoth({ condition: 'open' })
  await once(patient, 'data')
  assert.deepEqual(heard, ['patient'])
  patient.destroy()
})

test('what queues on a narrow link arrives at once when it is wide again', LIMIT, async () => {
  let received = 0
  await using relay = await startRelay(
    (socket) => void socket.on('data', (bytes: Buffer) => (received += bytes.length)),
    { delayMs: 5 },
  )
  const socket = await connectTo(relay.entry)
  // At 1 kB/s these bytes would take minutes.
  await relay.set('a', { bandwidthBytesPerSecond: 1000 })
  socket.write(Buffer.alloc(200_000))
  await until(async () => (await relay.counters())[0].heldBytes > 100_000)
  const startUs = nowUs()
  await relay.set('a', { bandwidthBytesPerSecond: null })
  await until(() => received === 200_000)
  assert.ok(nowUs() - startUs < 2e6, `${(nowUs() - startUs) / 1000} ms`)
  socket.destroy()
})

test('a relay that was restarted is told its links’ states again, and its counters go on', LIMIT, async () => {
  const free = createServer()
  const address = await listen(free)
  await new Promise((resolve) => free.close(resolve))
  const told: unknown[] = []
  const counters = (payloadBytes: number) => [
    { from: 'a', to: 'b', payloadBytes, heldBytes: 0, connections: 0, condition: 'open' },
  ]
  const sockets = new Set<Socket>()
  const serve = async (payloadBytes: number): Promise<Server> => {
    const server = await serveControl(address, {
      set: (change) => void told.push(change),
      counters: () => counters(payloadBytes),
    })
    server.on('connection', (socket) => sockets.add(socket))
    return server
  }
  const end = async (server: Server) => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    await new Promise((resolve) => server.close(resolve))
  }
  const first = await serve(100)
  using client = await RelayClient.open(address)
  await client.set({ from: 'a', to: 'b', change: { delayMs: 200 } })
  assert.equal((await client.counters())[0].payloadBytes, 100)
  await end(first)
  await until(() =>
    client.counters().then(
      () => false,
      () => true,
    ),
  )
  // While it is down, what is set is kept for it.
  await client.set({ from: 'a', to: 'b', change: { condition: 'hold' } })
  told.length = 0
  const second = await serve(7)
  assert.equal((await client.counters())[0].payloadBytes, 107)
  assert.deepEqual(told, [{ from: 'a', to: 'b', change: { delayMs: 200, condition: 'hold' } }])
  await end(second)
})
