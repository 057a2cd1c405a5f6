// Links held by a real Toxiproxy: what its toxics do to bytes, and what is counted of them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { nowUs } from '../lib/clock.ts'
import { DOCKER_TEST } from '../deploy/docker/container.fixture.ts'
import { missingSocketTable, toxiproxyOnPath } from './toxiproxy.fixture.ts'
import { closed, connectTo, startRelay } from './relay.fixture.ts'

const SCRIPT = new URL('./toxiproxy-link.ts', import.meta.url)
const LIMIT = { timeout: 30_000, skip: DOCKER_TEST.skip === false ? missingSocketTable() : DOCKER_TEST.skip }

let program: Disposable | undefined
before(async () => {
  if (LIMIT.skip === false) program = await toxiproxyOnPath()
})
after(() => program?.[Symbol.dispose]())

const echo = (socket: Socket) => void socket.pipe(socket)

const start = (
  onTarget: Parameters<typeof startRelay>[0],
  link: Parameters<typeof startRelay>[1],
): ReturnType<typeof startRelay> => startRelay(onTarget, link, 1, SCRIPT)

/** Resolves when `holds` does; gives up after 8 s. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilUs = nowUs() + 8_000_000
  while (!(await holds())) {
    if (nowUs() > untilUs) throw new Error(`never came to be: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function roundTripMs(socket: Socket, text: string): Promise<number> {
  const startUs = nowUs()
  socket.write(text)
  for (let got = ''; got.length < text.length;) got += String((await once(socket, 'data'))[0])
  return (nowUs() - startUs) / 1000
}

test('a round trip takes the delay of both links, and each can be changed alone', LIMIT, async (t) => {
  await using link = await start(echo, { delayMs: 20 })
  const socket = await connectTo(link.entry)
  const tookMs: number[] = []
  for (let i = 0; i < 21; i++) tookMs.push(await roundTripMs(socket, `ping ${i}`))
  tookMs.sort((a, b) => a - b)
  t.diagnostic(`40 ms asked: p50 ${tookMs[10].toFixed(2)}, max ${tookMs[20].toFixed(2)} ms`)
  assert.ok(tookMs[0] > 39.9, `shortest ${tookMs[0]} ms`)
  // An idle machine stays below 42 ms; how far off it may be in a run is the run's to judge.
  assert.ok(tookMs[10] < 46, `median ${tookMs[10]} ms`)
  await link.set('b', { delayMs: 0 })
  const halfMs = await roundTripMs(socket, 'one way')
  assert.ok(halfMs > 19.9 && halfMs < 35, `only the way there is delayed: ${halfMs} ms`)
  socket.destroy()
})

test('bytes arrive whole and in order while links are held, limited and opened', LIMIT, async (t) => {
  const seed = 11
  t.diagnostic(`seed ${seed}`)
  await using link = await start(echo, { delayMs: 3, jitterMs: 2 })
  let sentBytes = 0
  const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(sizes, async (pieces) => {
      const socket = await connectTo(link.entry)
      const sent = Buffer.concat(pieces.map((size, i) => Buffer.alloc(size, `${i}:${size};`)))
      sentBytes += sent.length
      const received: Buffer[] = []
      let receivedBytes = 0
      socket.on('data', (bytes: Buffer) => {
        received.push(bytes)
        receivedBytes += bytes.length
      })
      socket.write(sent)
      await link.setBoth({ condition: 'hold' })
      await link.set('a', { bandwidthBytesPerSecond: 20e6 })
      await link.setBoth({ condition: 'open' })
      await link.set('a', { bandwidthBytesPerSecond: null })
      await until(() => receivedBytes === sent.length)
      assert.equal(Buffer.compare(Buffer.concat(received), sent), 0)
      socket.destroy()
    }),
    { numRuns: 10, seed },
  )
  await until(async () => (await link.counters())[0].connections === 0)
  const [there, back] = await link.counters()
  assert.deepEqual([there.payloadBytes, back.payloadBytes], [sentBytes, sentBytes])
})

test('no byte is faster than its link when a hold begins or ends', LIMIT, async () => {
  const sentUs: number[] = []
  const tookUs: number[] = []
  await using link = await start(
    (socket) => socket.on('data', (bytes: Buffer) => tookUs.push(...[...bytes].map((i) => nowUs() - sentUs[i]))),
    { delayMs: 30 },
  )
  const socket = await connectTo(link.entry)
  const sending = setInterval(() => {
    sentUs.push(nowUs())
    socket.write(Buffer.from([sentUs.length - 1]))
  }, 4)
  for (const condition of ['hold', 'open', 'hold', 'open'] as const) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    await link.set('a', { condition })
  }
  clearInterval(sending)
  await until(() => tookUs.length === sentUs.length)
  assert.ok(Math.min(...tookUs) > 29_900, `${Math.min(...tookUs)} µs`)
  socket.destroy()
})

test('a one-way hold lets requests arrive and loses no answer; connections can be made meanwhile', LIMIT, async () => {
  let heard = ''
  await using link = await start(
    (socket) => {
      socket.on('data', (bytes: Buffer) => (heard += bytes.toString()))
      socket.pipe(socket)
    },
    { delayMs: 10 },
  )
  const socket = await connectTo(link.entry)
  await roundTripMs(socket, 'open ')
  await link.set('b', { condition: 'hold' })
  let got = ''
  socket.on('data', (bytes: Buffer) => (got += bytes.toString()))
  socket.write('held ')
  await until(() => heard === 'open held ')
  const late = await connectTo(link.entry)
  late.write('late')
  await until(async () => (await link.counters())[1].heldBytes === 9)
  assert.equal(got, '')
  await link.set('b', { condition: 'open' })
  const [first] = (await once(late, 'data')) as [Buffer]
  assert.equal(first.toString(), 'late')
  await until(() => got === 'held ')
  socket.destroy()
  late.destroy()
})

test('a reset ends every connection at both ends and refuses new ones until the link opens', LIMIT, async () => {
  const atTarget: Promise<string>[] = []
  await using link = await start(
    (socket) => {
      atTarget.push(closed(socket))
      socket.pipe(socket)
    },
    { delayMs: 1 },
  )
  const socket = await connectTo(link.entry)
  await roundTripMs(socket, 'hello')
  const atInitiator = closed(socket)
  await link.set('b', { condition: 'reset' })
  await Promise.all([atInitiator, ...atTarget])
  assert.equal(await closed(connect(link.entry)), 'ECONNREFUSED')
  assert.equal((await link.counters())[0].connections, 0)
  await link.set('b', { condition: 'open' })
  const again = await connectTo(link.entry)
  await roundTripMs(again, 'again')
  again.destroy()
})

test('a route that is not counted leaves no trace, and ended connections keep theirs', LIMIT, async () => {
  await using link = await start(echo, { delayMs: 1 })
  const quiet = await connectTo(link.quiet)
  await roundTripMs(quiet, 'not counted')
  const counted = await connectTo(link.entry)
  await roundTripMs(counted, 'counted')
  const open = await link.counters()
  assert.deepEqual(
    open.map(({ payloadBytes, connections }) => [payloadBytes, connections]),
    [
      [7, 1],
      [7, 0],
    ],
  )
  await roundTripMs(counted, 'unseen until it ended')
  counted.destroy()
  await until(async () => (await link.counters())[0].connections === 0)
  await until(async () => (await link.counters())[1].payloadBytes === 28)
  assert.equal((await link.counters())[0].payloadBytes, 28)
  quiet.destroy()
})

test('a limited link reaches its bandwidth, for each connection', LIMIT, async (t) => {
  let received = 0
  await using link = await start((socket) => void socket.on('data', (bytes) => (received += bytes.length)), {
    delayMs: 20,
    bandwidthBytesPerSecond: 10e6,
  })
  const socket = await connectTo(link.entry)
  const piece = Buffer.alloc(65_536)
  const pump = () => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', pump)
  pump()
  await until(() => received > 2e6)
  const before = received
  const startUs = nowUs()
  await until(() => nowUs() - startUs > 3_000_000)
  const rate = (received - before) / ((nowUs() - startUs) / 1e6)
  socket.destroy()
  t.diagnostic(`${(rate / 1e6).toFixed(2)} of 10 MB/s`)
  assert.ok(rate > 0.85 * 10e6 && rate < 1.15 * 10e6, `${rate} bytes/s`)
})
