// A peer that ships what is no log: each time its stream ends with one line, and a good stream goes on where it was.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { MemoryEngine } from '../../memory/memory-engine.ts'
import { Follower } from './follower.ts'
import { FRAME_BYTES_MAX, FrameReader, frameOf } from './frame.ts'
import { MESSAGE, REFUSED, REPLY, encodeNumbers } from './message.ts'
import { TABLE, Writer, consecutive, until } from './nodes.fixture.ts'
import { packBatch } from './packed-rows.ts'
import { Store } from './store.ts'

const ROWS = 5
const LOG = 77
const batch = new Writer(1).batch(consecutive(0, ROWS))
const PAYLOAD = packBatch(batch, 0)
const begin = (log: number, from: number): Buffer => frameOf(MESSAGE.stream + REPLY, 2, encodeNumbers([log, from]))
const entry = (position: number, payload: Buffer): Buffer =>
  frameOf(MESSAGE.entry, 0, Buffer.concat([encodeNumbers([position]), payload]))
const spoilt = (at: number, value: number): Buffer => {
  const payload = Buffer.from(PAYLOAD)
  payload.writeDoubleLE(value, at)
  return payload
}

/** What a peer may send after the greeting, and must not. */
const BAD: Readonly<Record<string, Buffer>> = {
  'a beginning that is no position': begin(LOG, Number.NaN),
  'a log without a number': begin(-1, 0),
  'an entry before the beginning': entry(ROWS, PAYLOAD),
  'an entry without a position': Buffer.concat([begin(LOG, 0), frameOf(MESSAGE.entry, 0, Buffer.alloc(7))]),
  'an entry at no position': Buffer.concat([begin(LOG, 0), entry(Number.NaN, PAYLOAD)]),
  'an entry at half a row': Buffer.concat([begin(LOG, 0), entry(0.5, PAYLOAD)]),
  'an entry that went before': Buffer.concat([begin(LOG, 7), entry(7, PAYLOAD)]),
  'a second beginning': Buffer.concat([begin(LOG, 0), begin(LOG, 900)]),
  'rows cut short': Buffer.concat([begin(LOG, 0), entry(ROWS, PAYLOAD.subarray(0, -1))]),
  'a key that is none': Buffer.concat([begin(LOG, 0), entry(ROWS, spoilt(4, -3))]),
  'a message of unknown kind': frameOf(99, 0, Buffer.alloc(0)),
  'a refusal as long as a frame': frameOf(REFUSED, 2, Buffer.alloc(1 << 20, 'no\n')),
}

test('bad streams end one by one, and the rows of a good one arrive', async () => {
  const scripts = [...Object.values(BAD), Buffer.concat([begin(LOG, 0), entry(ROWS, PAYLOAD)])]
  const served: string[] = []
  const acknowledged: number[] = []
  const server = createServer((socket) => {
    const script = scripts[served.length]
    socket.on('error', () => undefined)
    const reader = new FrameReader(FRAME_BYTES_MAX, (type, id, body) => {
      if (type === MESSAGE.hello) socket.write(frameOf(MESSAGE.hello + REPLY, id, Buffer.alloc(0)))
      else if (type === MESSAGE.stream) socket.write(script)
      else if (type === MESSAGE.acknowledge) acknowledged.push(body.readDoubleLE(0))
    })
    socket.on('data', (chunk: Buffer) => reader.push(chunk))
    socket.on('close', () => served.push('ended'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const engine = new MemoryEngine({})
  const identity = { dcIndex: 0, peers: [1], vectorDcs: 0, columns: TABLE.columns }
  const store = new Store(engine, await engine.open(), identity, undefined, (error) => assert.fail(String(error)))
  const lines: string[] = []
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const follower = new Follower({
    peer: { dc: 'east', index: 1, address },
    ownIndex: 0,
    secret: 'c0ffee',
    store,
    log: (line) => lines.push(line),
  })
  try {
    await until('the rows', () => acknowledged.includes(ROWS))
    assert.equal(served.length, Object.keys(BAD).length)
    for (const [i, key] of [...batch.keys].entries()) assert.equal(engine.known(key), batch.versions[i])
    assert.deepEqual(store.appliedOf(1), { logId: LOG, position: ROWS })
    assert.ok(Object.values(store.counters).every(Number.isSafeInteger), JSON.stringify(store.counters))
    const lost = lines.filter((line) => line.startsWith('lost'))
    assert.ok(lost.length <= served.length && lines.every((line) => line.length < 500), lines.join('\n'))
  } finally {
    follower.close()
    server.close()
    await store.close()
  }
})
