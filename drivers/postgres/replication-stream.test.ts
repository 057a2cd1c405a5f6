// What a server may stream instead of changes: the stream ends once, with FORMAT or as the server ended it, and nothing else fails.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, type Server, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { BenchError } from '../../bench/contract/errors.ts'
import { noises, spoil } from '../replication/noise.fixture.ts'
import {
  beginMessage,
  commitMessage,
  insertMessage,
  int32,
  int64,
  keepaliveMessage,
  relationMessage,
  tuple,
  xlogData,
} from '../replication/pgoutput.fixture.ts'
import { connect } from './connect.ts'
import { ReplicationStream, parseLsn } from './replication-stream.ts'

const COLUMNS = ['key', 'dot', 'version'].map((name) => ({ name, typeNumber: 20 }))
const message = (type: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(type), int32(4 + payload.length), payload])
const STARTED = message('W', Buffer.from([0, 0, 0]))
const data = (payload: Buffer): Buffer => message('d', payload)
const CHANGES = [
  keepaliveMessage(5, false),
  xlogData(beginMessage(1000)),
  xlogData(relationMessage(7, COLUMNS)),
  xlogData(insertMessage(7, tuple([1, 2, 16].map(int64)))),
  xlogData(commitMessage(1048, 9)),
].map(data)

/** A server that lets everybody in and answers START_REPLICATION with `streams()`, and then ends. */
async function serve(streams: () => Buffer): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]))
      socket.once('data', () => socket.end(streams()))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Follows the stream of a server to its end; returns what was told, and how it ended. */
async function follow(server: Server): Promise<{ readonly told: string[]; readonly error: Error }> {
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const secret = 'c0ffee5ec7e7'
  const client = await connect({
    address,
    secret,
    application: 'test',
    replication: true,
    patienceMs: 0,
    attemptMs: 5000,
  })
  const told: string[] = []
  const tell = (what: string) => () => void told.push(what)
  const sink = { begin: tell('begin'), row: tell('row'), commit: tell('commit'), keepalive: tell('keepalive') }
  const plan = { slot: 'slot', publication: 'publication', fromLsn: 0, columns: COLUMNS }
  const end = Promise.withResolvers<Error>()
  const ends: Error[] = []
  const ended = (error: Error) => {
    ends.push(error)
    end.resolve(error)
  }
  await ReplicationStream.start(client, plan, sink, { chunk: () => undefined, ended }).catch(() => undefined)
  const error = await end.promise
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ends.length, 1)
  return { told, error }
}

test('a good stream is told to its end', async () => {
  const server = await serve(() => Buffer.concat([STARTED, ...CHANGES, message('N', Buffer.from('Mnotice\0\0'))]))
  const { told, error } = await follow(server)
  server.close()
  assert.deepEqual(told, ['keepalive', 'begin', 'row', 'commit'])
  assert.equal(error.message, 'the server closed the connection')
})

test('a spoilt stream ends once, and with FORMAT if not as the server ended it', async () => {
  let stream = STARTED
  const server = await serve(() => stream)
  const seen = { format: 0, other: 0 }
  await fc.assert(
    fc.asyncProperty(noises, async (noise) => {
      stream = Buffer.concat([STARTED, spoil(Buffer.concat(CHANGES), noise)])
      const { error } = await follow(server)
      const isFormat = error instanceof BenchError && error.code === 'FORMAT'
      // A message that happens to be an error or an end of the stream is one.
      assert.ok(isFormat || /closed the connection|reported an error|ended the stream/.test(error.message), error.stack)
      seen[isFormat ? 'format' : 'other']++
    }),
    { numRuns: 150 },
  )
  server.close()
  assert.ok(seen.format > 50, JSON.stringify(seen))
})

test('a server that is told to stop says that its command is complete: that is an end, and no bad message', async () => {
  const server = await serve(() => Buffer.concat([STARTED, ...CHANGES, message('C', Buffer.from('COPY 0\0'))]))
  const { told, error } = await follow(server)
  server.close()
  assert.deepEqual(told, ['keepalive', 'begin', 'row', 'commit'])
  assert.equal(error.message, 'the server ended the stream')
  assert.ok(!(error instanceof BenchError))
})

test('a message of a kind that no stream has, and one longer than any row, are refused', async () => {
  for (const bad of [message('x', Buffer.alloc(3)), Buffer.from([100, 0x3f, 0, 0, 0])]) {
    const server = await serve(() => Buffer.concat([STARTED, bad]))
    const { error } = await follow(server)
    server.close()
    assert.ok(error instanceof BenchError && error.code === 'FORMAT', String(error))
  }
})

test('a log position is read as Postgres writes it, or refused', () => {
  assert.equal(parseLsn('1F/A0000001'), 0x1f * 2 ** 32 + 0xa0000001)
  for (const text of ['', '1', '1/', '/1', '1/2/3', '200000/0', 'FFFFFFFF/0', '-1/0', 'x/y', '1/123456789']) {
    assert.throws(() => parseLsn(text), { name: 'BenchError', code: 'FORMAT' }, text)
  }
})
