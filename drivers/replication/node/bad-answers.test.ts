// A node that answers badly: the request ends with an error or as unknown, never as done or as not done, and nothing else fails.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Address, Admin, DeployPlan, Session } from '../../../bench/contract/driver.ts'
import { BenchError } from '../../../bench/contract/errors.ts'
import { OUTCOME } from '../../../bench/contract/outcome.ts'
import { memory } from '../../memory/driver.ts'
import { type Noise, noises, spoil } from '../noise.fixture.ts'
import { NoAnswer } from './connection.ts'
import { FRAME_BYTES_MAX, FrameReader, frameOf } from './frame.ts'
import { FrameSocket } from './frame-socket.ts'
import { MESSAGE, REFUSED, REPLY, encodeNumbers } from './message.ts'
import { SECRET, TABLE, Writer } from './nodes.fixture.ts'
import { packBatch } from './packed-rows.ts'

const PLAN: DeployPlan = {
  dcs: [{ name: 'west', index: 0 }],
  replication: memory.replications[0].name,
  settings: Object.fromEntries(memory.settings.map((setting) => [setting.name, setting.default])),
  table: TABLE,
  seed: 5,
  causality: 'bounds',
  secret: SECRET,
}
const WITHIN_MS = 5000
const signal = new AbortController().signal

/** What a node answers to a request, as whole frames. */
type Answer = (type: number, id: number) => Buffer

/** A node that greets as it should, and answers everything else in its own way; it ends the connection after one answer or lets it be. */
class FakeNode implements Disposable {
  readonly address: Address
  readonly #close: () => void

  private constructor(address: Address, close: () => void) {
    this.address = address
    this.#close = close
  }

  static async start(answer: Answer, then: 'end' | 'stay'): Promise<FakeNode> {
    const server = createServer((socket) => {
      const reader = new FrameReader(FRAME_BYTES_MAX, (type, id) => {
        if (type === MESSAGE.hello) socket.write(frameOf(MESSAGE.hello + REPLY, id, Buffer.alloc(0)))
        else if (then === 'end') socket.end(answer(type, id))
        else socket.write(answer(type, id))
      })
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => reader.push(chunk))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FakeNode({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, () => server.close())
  }

  session(): Promise<Session> {
    const options = { plan: PLAN, mode: 'batch', timeoutMs: WITHIN_MS, purpose: 'write' } as const
    return memory.open(PLAN.dcs[0], { west: { node: this.address } }, options, signal)
  }

  admin(): Promise<Admin> {
    return memory.admin({ west: { node: this.address } }, PLAN, signal)
  }

  [Symbol.dispose](): void {
    this.#close()
  }
}

const batch = new Writer(0).batch([1, 2, 3])
const good = (type: number, id: number): Buffer => {
  if (type === MESSAGE.write) return frameOf(type + REPLY, id, encodeNumbers([1, 1, 0, 0, 4096, 2]))
  if (type === MESSAGE.read) return frameOf(type + REPLY, id, encodeNumbers([...batch.dots, ...batch.versions]))
  if (type === MESSAGE.rows || type === MESSAGE.next) {
    return frameOf(type + REPLY, id, Buffer.concat([encodeNumbers([1]), packBatch(batch, 0)]))
  }
  if (type === MESSAGE.status || type === MESSAGE.planted) return frameOf(type + REPLY, id, Buffer.from('[]'))
  return frameOf(type + REPLY, id, Buffer.alloc(40))
}

/** Whether an error is one that a user may be told: with a code, or a request that got no answer. */
const isTold = (error: unknown): boolean => error instanceof BenchError || error instanceof NoAnswer

test('an answer that cannot be read leaves a write unknown and fails a read', async () => {
  const bad: Readonly<Record<string, Answer>> = {
    'of another kind': (_type, id) => frameOf(MESSAGE.status + REPLY, id, Buffer.alloc(0)),
    'of no kind': (_type, id) => frameOf(0, id, Buffer.alloc(0)),
    'of another length': (type, id) => frameOf(type + REPLY, id, Buffer.alloc(13)),
    'of other numbers': (type, id) => frameOf(type + REPLY, id, encodeNumbers([Number.NaN, -1, 0.5, 0, 0, 0])),
    'of vectors that nobody asked for': (type, id) =>
      frameOf(type + REPLY, id, encodeNumbers([0, 0, 1, ...Array(6).fill(1)])),
    'longer than a frame': () => Buffer.alloc(40, 0xff),
    'of half a frame': (type, id) => good(type, id).subarray(0, 30),
    nothing: () => Buffer.alloc(0),
  }
  for (const [what, answer] of Object.entries(bad)) {
    using node = await FakeNode.start(answer, 'end')
    await using session = await node.session()
    const { outcome, error } = await session.write(batch)
    assert.deepEqual([outcome, typeof error], [OUTCOME.info, 'string'], what)
    await assert.rejects(session.read(batch.keys), isTold, what)
  }
})

test('a refusal says that a write did not happen, in words that fit into a log', async () => {
  const words = `no\n\0${'x'.repeat(100_000)}`
  using node = await FakeNode.start((_type, id) => frameOf(REFUSED, id, Buffer.from(words)), 'stay')
  await using session = await node.session()
  assert.deepEqual(await session.write(batch), { outcome: OUTCOME.fail, error: 'refused' })
  await assert.rejects(session.read(batch.keys), (error: Error) => /^no x{200,300}$/.test(error.message))
})

test('spoilt answers fail their requests, or are answers', async () => {
  let noise: Noise = { kind: 'cut', at: 0 }
  using node = await FakeNode.start((type, id) => spoil(good(type, id), noise), 'end')
  await using session = await node.session()
  await using admin = await node.admin()
  const seen = { ok: 0, info: 0, told: 0 }
  const tell = (error: unknown) => {
    assert.ok(isTold(error), String((error as Error).stack))
    seen.told++
  }
  await fc.assert(
    fc.asyncProperty(noises, async (drawn) => {
      noise = drawn
      const { outcome, error, storedVersions } = await session.write(batch)
      // Only a frame whose kind became that of a refusal refuses.
      assert.ok(outcome !== OUTCOME.fail || error === 'refused', `not done: ${error}`)
      seen[outcome === OUTCOME.ok ? 'ok' : 'info']++
      for (const version of storedVersions ?? []) assert.ok(Number.isSafeInteger(version) && version >= 0)
      await session.read(batch.keys).then(({ dots, versions }) => {
        for (const number of [...dots, ...versions]) assert.ok(Number.isSafeInteger(number) && number >= 0)
      }, tell)
      await admin.describe().catch(tell)
      await admin.digest('west', { buckets: 1 }).catch(tell)
    }),
    { numRuns: 100 },
  )
  assert.ok(seen.info > 30 && seen.told > 100, JSON.stringify(seen))
})

test('an admin says which node’s answer cannot be read', async () => {
  using node = await FakeNode.start(good, 'stay')
  await using admin = await node.admin()
  const asked: readonly (() => Promise<unknown>)[] = [
    () => admin.describe(),
    () => admin.digest('west', { buckets: 2 }),
    () => admin.counters(),
  ]
  for (const ask of asked) await assert.rejects(ask(), { name: 'BenchError', code: 'FORMAT', message: /west/ })
})

test('a connection hands on nothing after a frame that is none', async () => {
  const closed: string[] = []
  const server = createServer((socket) => socket.end(Buffer.concat([Buffer.alloc(4), frameOf(1, 1, Buffer.alloc(0))])))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const tcp = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const frames: number[] = []
  const socket = new FrameSocket(tcp, 100, {
    frame: (type) => frames.push(type),
    closed: (reason) => closed.push(reason),
  })
  await once(tcp, 'close')
  server.close()
  assert.deepEqual([frames, socket.closed], [[], true])
  assert.match(closed.join(), /^malformed: [^,]*$/)
})
