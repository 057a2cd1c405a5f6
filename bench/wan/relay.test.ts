// The relay as its users see it: a process, real sockets, real time.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { nowUs } from '../lib/clock.ts'
import { closed, connectTo, startRelay } from './relay.fixture.ts'

const echo = (socket: Socket) => void socket.pipe(socket)

/** Resolves when `holds` does; gives up after 8 s. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilUs = nowUs() + 8_000_000
  while (!(await holds())) {
    if (nowUs() > untilUs) throw new Error(`never came to be: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function roundTripMs(socket: Socket, text: string): Promise<number> {
  const startUs = nowUs()
  socket.write(text)
  for (let got = ''; got.length < text.length;) got += String((await once(socket, 'data'))[0])
  return (nowUs() - startUs) / 1000
}

const LIMIT = { timeout: 15_000 }

test('a round trip takes the delay of both links, and a first one that of the handshake too', LIMIT, async (t) => {
  await using relay = await startRelay(echo, { delayMs: 20 })
  const socket = await connectTo(relay.entry)
  const firstMs = await roundTripMs(socket, 'hello')
  assert.ok(firstMs > 79 && firstMs < 110, `first ${firstMs} ms`)
  const laterMs: number[] = []
  for (let i = 0; i < 15; i++) laterMs.push(await roundTripMs(socket, `ping ${i}`))
  laterMs.sort((a, b) => a - b)
  t.diagnostic(`40 ms asked: p50 ${laterMs[7].toFixed(2)}, max ${laterMs[14].toFixed(2)} ms`)
  assert.ok(laterMs[0] > 39.9, `shortest ${laterMs[0]} ms`)
  assert.ok(laterMs[7] < 43, `median ${laterMs[7]} ms`)
  await relay.set('b', { delayMs: 0 })
  const halfMs = await roundTripMs(socket, 'one way')
  assert.ok(halfMs > 19.9 && halfMs < 35, `only the way there is delayed: ${halfMs} ms`)
  socket.destroy()
})

test('bytes arrive whole and in order whatever the delay, the jitter and the pieces', LIMIT, async (t) => {
  const seed = 11
  t.diagnostic(`seed ${seed}`)
  await using relay = await startRelay(echo, { delayMs: 3, jitterMs: 3 }, seed)
  const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(sizes, fc.boolean(), async (pieces, unlimited) => {
      await relay.set('a', { bandwidthBytesPerSecond: unlimited ? null : 50e6 })
      const socket = await connectTo(relay.entry)
      const sent = pieces.map((size, i) => Buffer.alloc(size, `${i}:${size};`))
      const received: Buffer[] = []
      socket.on('data', (bytes: Buffer) => received.push(bytes))
      for (const piece of sent) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      socket.end()
      await once(socket, 'end')
      assert.equal(Buffer.compare(Buffer.concat(received), Buffer.concat(sent)), 0)
    }),
    { numRuns: 12, seed },
  )
  const [there, back] = await relay.counters()
  assert.equal(there.payloadBytes, back.payloadBytes)
})

test('an end travels with the delay, and the other direction stays open', LIMIT, async () => {
  let endedUs = 0
  await using relay = await startRelay(
    (socket) => {
      socket.resume()
      socket.on('end', () => {
        endedUs = nowUs()
        socket.end('answer after your end')
      })
    },
    { delayMs: 20 },
  )
  const socket = await connectTo(relay.entry, true)
  const startUs = nowUs()
  socket.end('request')
  let answer = ''
  socket.on('data', (bytes) => (answer += bytes))
  await once(socket, 'end')
  assert.equal(answer, 'answer after your end')
  assert.ok(endedUs - startUs > 19_900, `the end arrived after ${endedUs - startUs} µs`)
  await until(async () => (await relay.counters())[0].connections === 0)
})

test('a reset of the target reaches the initiator with the delay', LIMIT, async () => {
  await using relay = await startRelay((socket) => socket.once('data', () => socket.resetAndDestroy()), { delayMs: 20 })
  const startUs = nowUs()
  const socket = await connectTo(relay.entry)
  socket.write('x')
  assert.equal(await closed(socket), 'ECONNRESET')
  // The handshake, the byte on its way there, the reset on its way back.
  assert.ok(nowUs() - startUs > 79_000)
})

test('a target that refuses is a reset after one round trip', LIMIT, async () => {
  await using relay = await startRelay('refuses', { delayMs: 20 })
  const startUs = nowUs()
  assert.equal(await closed(await connectTo(relay.entry)), 'ECONNRESET')
  assert.ok(nowUs() - startUs > 39_000)
})

test('a held link loses nothing and lets everything travel when it opens', LIMIT, async () => {
  await using relay = await startRelay(echo, { delayMs: 10 })
  const socket = await connectTo(relay.entry)
  await roundTripMs(socket, 'open')
  await relay.set('a', { condition: 'hold' })
  let got = ''
  socket.on('data', (bytes) => (got += bytes))
  socket.write('held')
  const late = await connectTo(relay.entry)
  late.write('late')
  await until(async () => (await relay.counters())[0].heldBytes === 8)
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.equal(got, '')
  const openedUs = nowUs()
  await relay.set('a', { condition: 'open' })
  const [first] = await once(late, 'data')
  assert.equal(String(first), 'late')
  await until(() => got === 'held')
  assert.ok(nowUs() - openedUs > 20_000, 'what was held travels the whole way again')
  socket.destroy()
  late.destroy()
})

test('a reset ends every connection at both ends and refuses new ones until the link opens', LIMIT, async () => {
  const atTarget: Promise<string>[] = []
  await using relay = await startRelay(
    (socket) => {
      atTarget.push(closed(socket))
      socket.pipe(socket)
    },
    { delayMs: 1 },
  )
  const socket = await connectTo(relay.entry)
  await roundTripMs(socket, 'hello')
  const atInitiator = closed(socket)
  await relay.set('b', { condition: 'reset' })
  assert.deepEqual(await Promise.all([atInitiator, ...atTarget]), ['ECONNRESET', 'ECONNRESET'])
  assert.equal(await closed(connect(relay.entry)), 'ECONNRESET')
  assert.equal((await relay.counters())[0].connections, 0)
  assert.equal(atTarget.length, 1)
  await relay.set('b', { condition: 'open' })
  const again = await connectTo(relay.entry)
  await roundTripMs(again, 'again')
  again.destroy()
})

test(
  'a limited link reaches its bandwidth over several connections and holds no more than fills it',
  LIMIT,
  async (t) => {
    let received = 0
    await using relay = await startRelay(
      (socket) => {
        socket.on('data', (bytes) => (received += bytes.length))
      },
      { delayMs: 20, bandwidthBytesPerSecond: 20e6 },
    )
    const sockets = await Promise.all([1, 2, 3].map(() => connectTo(relay.entry)))
    const piece = Buffer.alloc(65_536)
    for (const socket of sockets) {
      const pump = () => {
        while (!socket.destroyed && socket.write(piece));
      }
      socket.on('drain', pump)
      pump()
    }
    await until(() => received > 2e6)
    const before = received
    const startUs = nowUs()
    let heldMax = 0
    await until(async () => {
      heldMax = Math.max(heldMax, (await relay.counters())[0].heldBytes)
      return nowUs() - startUs > 1_000_000
    })
    const rate = (received - before) / ((nowUs() - startUs) / 1e6)
    for (const socket of sockets) socket.destroy()
    t.diagnostic(`${(rate / 1e6).toFixed(2)} of 20 MB/s, held at most ${heldMax} bytes`)
    assert.ok(rate > 0.93 * 20e6 && rate < 1.05 * 20e6, `${rate} bytes/s`)
    assert.ok(heldMax <= 20e6 * 0.02 + 1_048_576, `held ${heldMax} bytes`)
  },
)

test(
  'a target that does not read stops its source, in bounded memory, and gets all when it reads',
  LIMIT,
  async (t) => {
    let lazy: Socket | undefined
    await using relay = await startRelay(
      (socket) => {
        lazy = socket
      },
      { delayMs: 1 },
    )
    const socket = await connectTo(relay.entry)
    const piece = Buffer.alloc(65_536)
    let written = 0
    let stopped = false
    const total = 64 * 1024 * 1024
    const pump = () => {
      while (written < total) {
        written += piece.length
        if (!socket.write(piece)) return
      }
      if (!stopped) socket.end()
      stopped = true
    }
    socket.on('drain', pump)
    pump()
    let last = -1
    // It stands still when nothing was taken for a while.
    for (let still = 0; still < 10;) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      still = written === last ? still + 1 : 0
      last = written
    }
    const held = (await relay.counters())[0].heldBytes
    t.diagnostic(`held ${held} bytes`)
    if (process.platform === 'linux') {
      const residentBytes = Number(readFileSync(`/proc/${relay.pid}/statm`, 'utf8').split(' ')[1]) * 4096
      assert.ok(residentBytes < 300e6, `the relay takes ${residentBytes} bytes`)
    }
    assert.ok(written < total, 'the source was never stopped')
    assert.ok(held < 9 * 1024 * 1024, `held ${held} bytes`)
    let received = 0
    lazy?.on('data', (bytes) => (received += bytes.length))
    await until(() => received === total)
  },
)

test('a route that is not counted leaves no trace in the counters', LIMIT, async () => {
  await using relay = await startRelay(echo, { delayMs: 1 })
  const quiet = await connectTo(relay.quiet)
  await roundTripMs(quiet, 'not counted')
  const counted = await connectTo(relay.entry)
  await roundTripMs(counted, 'counted')
  const [there, back] = await relay.counters()
  assert.deepEqual([there.payloadBytes, back.payloadBytes, there.connections], [7, 7, 1])
  quiet.destroy()
  counted.destroy()
})
