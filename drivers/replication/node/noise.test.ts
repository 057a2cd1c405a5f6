// Whatever comes to a node's port costs its sender the connection, and nobody else anything: real nodes, hundreds of bad clients.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Address } from '../../../bench/contract/driver.ts'
import { OUTCOME } from '../../../bench/contract/outcome.ts'
import { joiningDirectly } from '../../../bench/joining.fixture.ts'
import { memory } from '../../memory/driver.ts'
import { noises, spoil } from '../noise.fixture.ts'
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, frameOf, sealFrame } from './frame.ts'
import { MESSAGE, REPLY, ROLE, encodeHello, encodeNumbers, encodeSelection } from './message.ts'
import { Nodes, SECRET, Writer, consecutive, until } from './nodes.fixture.ts'
import { packBatch } from './packed-rows.ts'

const NOTHING = Buffer.alloc(0)
const CLIENT = frameOf(MESSAGE.hello, 1, encodeHello({ role: ROLE.client, dcIndex: 0, secret: SECRET }))
const PEER = frameOf(MESSAGE.hello, 1, encodeHello({ role: ROLE.peer, dcIndex: 1, secret: SECRET }))
const BUCKETS_MAX = 1 << 20
/** A connection that says nothing for so long was not ended by the node: the test goes on, to fail. */
const ENDS_WITHIN_MS = 5000

const digestHead = (buckets: number, whole: boolean): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32LE(buckets, 0)
  head[4] = whole ? 1 : 0
  return head
}

/** A batch far from the keys that good sessions write. */
const batch = (keys: readonly number[]) => new Writer(0).batch(keys.map((key) => 1_000_000 + key))
const packed = (count: number) => packBatch(batch(consecutive(0, count)), FRAME_HEADER_BYTES)

/** Good conversations, each with its greeting apart. */
const CONVERSATIONS: readonly (readonly [Buffer, Buffer])[] = [
  [CLIENT, sealFrame(packed(20), MESSAGE.write, 2)],
  [CLIENT, sealFrame(packed(20), MESSAGE.load, 2)],
  [CLIENT, frameOf(MESSAGE.read, 2, encodeNumbers(consecutive(0, 30)))],
  [CLIENT, frameOf(MESSAGE.digest, 2, digestHead(16, true))],
  [CLIENT, frameOf(MESSAGE.digest, 2, Buffer.concat([digestHead(4, false), encodeNumbers(consecutive(0, 30))]))],
  [
    CLIENT,
    Buffer.concat([
      frameOf(MESSAGE.rows, 2, encodeSelection({ bucket: 0, buckets: 1 })),
      frameOf(MESSAGE.next, 3, encodeNumbers([1])),
      frameOf(MESSAGE.endCursor, 4, encodeNumbers([1])),
    ]),
  ],
  [CLIENT, Buffer.concat([MESSAGE.status, MESSAGE.planted, MESSAGE.flush].map((type) => frameOf(type, type, NOTHING)))],
  [
    PEER,
    Buffer.concat([
      frameOf(MESSAGE.stream, 2, encodeNumbers([7, 0])),
      frameOf(MESSAGE.acknowledge, 0, encodeNumbers([0])),
    ]),
  ],
]

/** Requests that no good client makes; the node must end each of them. */
function directed(): Readonly<Record<string, Buffer>> {
  const client = (type: number, body: Buffer) => Buffer.concat([CLIENT, frameOf(type, 2, body)])
  const peer = (...frames: Buffer[]) => Buffer.concat([PEER, ...frames])
  const stream = frameOf(MESSAGE.stream, 2, encodeNumbers([7, 0]))
  const rows = (spoilt: (rows: Buffer) => void) => {
    const frame = packed(1)
    spoilt(frame.subarray(FRAME_HEADER_BYTES))
    return Buffer.concat([CLIENT, sealFrame(frame, MESSAGE.write, 2)])
  }
  const claim = Buffer.alloc(FRAME_HEADER_BYTES)
  claim.writeUInt32LE(FRAME_BYTES_MAX, 0)
  return {
    'a request of unknown kind': client(99, NOTHING),
    'a reply': client(MESSAGE.write + REPLY, NOTHING),
    'a second greeting': Buffer.concat([CLIENT, CLIENT]),
    'a frame longer than any request': Buffer.concat([CLIENT, claim]),
    'an unknown operation': rows((bytes) => (bytes[4 + 12 + 16] = 6)),
    'no operation': rows((bytes) => (bytes[4 + 12 + 16] = 0)),
    'a version in a far future': rows((bytes) => bytes.writeDoubleLE(Number.MAX_SAFE_INTEGER, 4 + 12 + 8)),
    'a record longer than the columns': client(MESSAGE.write, longRecord()),
    'more keys than an answer has room for': client(
      MESSAGE.read,
      encodeNumbers(new Float64Array((FRAME_BYTES_MAX >> 4) + 1)),
    ),
    'half a cursor': client(MESSAGE.next, encodeNumbers([0.5])),
    'more buckets than a digest has': client(MESSAGE.digest, digestHead(BUCKETS_MAX + 1, true)),
    'a stream from no position': peer(frameOf(MESSAGE.stream, 2, encodeNumbers([7, Number.NaN]))),
    'an acknowledgement of what was not sent': peer(stream, frameOf(MESSAGE.acknowledge, 0, encodeNumbers([1e9]))),
    'an acknowledgement of infinity': peer(stream, frameOf(MESSAGE.acknowledge, 0, encodeNumbers([Infinity]))),
  }
}

/** One row whose content is as long as a frame may be. */
function longRecord(): Buffer {
  const content = Buffer.alloc(1 << 20)
  const row = packed(1).subarray(FRAME_HEADER_BYTES)
  const long = Buffer.concat([row, content])
  long.writeUInt32LE(long.length - 16, 12)
  return long
}

/** Sends bytes and waits for the end of the connection, which the sender asks for unless the node is to. */
async function send(address: Address, bytes: Buffer, how: 'node ends' | 'end' | 'destroy'): Promise<void> {
  const socket = connect(address.port, address.host)
  // A node that ends a connection with bytes on their way resets it.
  socket.on('error', () => undefined)
  socket.resume()
  socket.setTimeout(ENDS_WITHIN_MS, () => socket.destroy())
  const closed = closing(socket)
  if (how === 'end') socket.end(bytes)
  else if (how === 'node ends') socket.write(bytes)
  else socket.write(bytes, () => socket.destroy())
  await closed
}

const closing = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
const peakBytes = (pid: number): number =>
  1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
const hasProc = existsSync('/proc/self/fd')

test('hundreds of bad clients leave a node as it was, its other connections and its peer included', async () => {
  await using nodes = await Nodes.start(memory)
  await using admin = await nodes.admin()
  await admin.replicate(joiningDirectly(nodes.endpoints))
  await using steady = await nodes.open('west')
  const writer = new Writer(0)
  const writes = async (session: typeof steady, from: number) => {
    const rows = writer.batch(consecutive(from, 20))
    assert.equal((await session.write(rows)).outcome, OUTCOME.ok)
    assert.deepEqual([...(await session.read(rows.keys)).dots], [...rows.dots])
    return rows
  }
  await writes(steady, 0)
  const pid = nodes.pid('west')
  const before = hasProc ? descriptors(pid) : 0
  const address = nodes.endpoints.west.node
  for (const [what, bytes] of Object.entries(directed())) {
    const { malformed_connections: known } = (await admin.counters()).own
    await send(address, bytes, 'node ends')
    assert.equal((await admin.counters()).own.malformed_connections, known + 1, what)
  }
  const sessions = fc.record({
    conversation: fc.nat(CONVERSATIONS.length - 1),
    noise: noises,
    greets: fc.integer({ min: 0, max: 9 }),
    how: fc.constantFrom('end' as const, 'destroy' as const),
  })
  const chances = fc.array(sessions, { minLength: 8, maxLength: 8 })
  let from = 20
  await fc.assert(
    fc.asyncProperty(chances, async (clients) => {
      await Promise.all(
        clients.map(({ conversation, noise, greets, how }) => {
          const [greeting, rest] = CONVERSATIONS[conversation]
          // Most greet as they should: what comes after the secret is where more is read.
          const bytes =
            greets > 0 ? Buffer.concat([greeting, spoil(rest, noise)]) : spoil(Buffer.concat([greeting, rest]), noise)
          return send(address, bytes, how)
        }),
      )
      await writes(steady, from)
      from += 20
    }),
    { numRuns: 50 },
  )
  assert.equal(nodes.pid('west'), pid)
  await using late = await nodes.open('west')
  const rows = await writes(late, from)
  await using east = await nodes.open('east')
  await until('the rows in the other DC', async () => {
    const { dots } = await east.read(rows.keys)
    return dots.every((dot, i) => dot === rows.dots[i])
  })
  // One more than before: the late session's.
  if (hasProc) await until('the descriptors', () => descriptors(pid) <= before + 1)
})

test(
  'a client that asks for much at once and reads nothing takes no more memory than one answer',
  { skip: !hasProc },
  async () => {
    await using nodes = await Nodes.start(memory)
    await using session = await nodes.open('west')
    const pid = nodes.pid('west')
    const before = peakBytes(pid)
    const socket = connect(nodes.endpoints.west.node.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.pause()
    const digests = consecutive(2, 24).map((id) => frameOf(MESSAGE.digest, id, digestHead(BUCKETS_MAX, true)))
    socket.write(Buffer.concat([CLIENT, ...digests]))
    // An answer is 24 MiB, made from as much again: the first has been made when so much has been taken.
    await until('the first answer', () => peakBytes(pid) > before + (30 << 20))
    for (let i = 0; i < 20; i++) assert.equal((await session.write(new Writer(0).batch([i]))).outcome, OUTCOME.ok)
    const grown = peakBytes(pid) - before
    socket.destroy()
    assert.ok(grown < 300 << 20, `${grown >> 20} MiB for ${digests.length} digests`)
  },
)
