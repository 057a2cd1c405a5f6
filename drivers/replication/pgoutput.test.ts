// The decoder against messages built by hand from the protocol's documentation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { elementStart, isNull, StreamDecoder, tupleEnd, TUPLE_HEADER_BYTES } from './pgoutput.ts'
import { uint32At } from './pgoutput-frames.ts'
import {
  COLUMNS,
  RELATION,
  beginMessage,
  commitMessage,
  deleteMessage,
  insertMessage,
  int64,
  keepaliveMessage,
  originMessage,
  relationMessage,
  tuple,
  updateMessage,
  xlogData,
} from './pgoutput.fixture.ts'

/** Decodes messages and writes down what the sink is told. */
function decode(...messages: readonly Buffer[]): unknown[] {
  const told: unknown[] = []
  const decoder = new StreamDecoder(COLUMNS, {
    begin: (commitLsn) => told.push(['begin', commitLsn]),
    row: (key, version, bytes, start, end) => told.push(['row', key, version, Buffer.from(bytes.subarray(start, end))]),
    commit: (endLsn, bytes, at) =>
      told.push(['commit', endLsn, ...[0, 8].map((from) => Number(bytes.readBigInt64BE(at + from)))]),
    keepalive: (endLsn, replyAsked) => told.push(['keepalive', endLsn, replyAsked]),
  })
  for (const message of messages) {
    // Never at the start of its buffer, as in a socket's chunk.
    const chunk = Buffer.concat([Buffer.from('abc'), message, Buffer.from('xyz')])
    decoder.decode(chunk, 3, 3 + message.length)
  }
  return told
}

const row = (key: number, version: number, note = 'hello'): Buffer =>
  tuple([int64(key), int64(42), int64(version), Buffer.from(note)])

test('a transaction is told as begin, its rows and commit', () => {
  const inserted = row(5, 160)
  const updated = row(2 ** 40 + 1, 1_700_000_000_000_001)
  const told = decode(
    xlogData(beginMessage(1000)),
    xlogData(originMessage('elsewhere')),
    xlogData(relationMessage(RELATION, COLUMNS)),
    xlogData(insertMessage(RELATION, inserted)),
    xlogData(updateMessage(RELATION, updated)),
    xlogData(commitMessage(1048, 777)),
  )
  assert.deepEqual(told, [
    ['begin', 1000],
    ['row', 5, 160, inserted],
    ['row', 2 ** 40 + 1, 1_700_000_000_000_001, updated],
    ['commit', 1048, 1048, 777],
  ])
})

test('an update that shows the replaced key or row gives the new row', () => {
  const former = tuple([int64(5), null, null, null])
  const begin = xlogData(beginMessage(1000))
  const relation = xlogData(relationMessage(RELATION, COLUMNS))
  const byKey = xlogData(updateMessage(RELATION, row(6, 32), { marker: 'K', row: former }))
  const whole = xlogData(updateMessage(RELATION, row(7, 48), { marker: 'O', row: row(7, 16, 'a longer former note') }))
  assert.deepEqual(decode(begin, relation, byKey, whole), [
    ['begin', 1000],
    ['row', 6, 32, row(6, 32)],
    ['row', 7, 48, row(7, 48)],
  ])
})

test('keepalives say their position and whether they want an answer', () => {
  assert.deepEqual(decode(keepaliveMessage(2 ** 35 + 3, true), keepaliveMessage(7, false)), [
    ['keepalive', 2 ** 35 + 3, true],
    ['keepalive', 7, false],
  ])
})

test('what cannot be applied is refused', () => {
  const relation = xlogData(relationMessage(RELATION, COLUMNS))
  const other = COLUMNS.map((column, index) => (index === 3 ? { ...column, typeNumber: 23 } : column))
  const begin = xlogData(beginMessage(1000))
  const torn = (kind: string) => Buffer.from(`\0\u0001${kind}`, 'latin1')
  const refused: Readonly<Record<string, readonly Buffer[]>> = {
    'a deleted row': [begin, relation, xlogData(deleteMessage(RELATION, row(1, 16)))],
    'a row of another table': [begin, relation, xlogData(insertMessage(RELATION + 1, row(1, 16)))],
    'a row before its relation': [begin, xlogData(insertMessage(RELATION, row(1, 16)))],
    'a row outside of a transaction': [relation, xlogData(insertMessage(RELATION, row(1, 16)))],
    'a transaction within another': [begin, begin],
    'a commit of nothing': [xlogData(commitMessage(1048, 777))],
    'a commit of another transaction': [begin, xlogData(commitMessage(1049, 777))],
    'a replaced row with a column of unknown kind': [
      begin,
      relation,
      xlogData(updateMessage(RELATION, row(1, 16), { marker: 'O', row: torn('x') })),
    ],
    'a negative key': [begin, relation, xlogData(insertMessage(RELATION, row(-1, 16)))],
    'a key above 2^53': [begin, relation, xlogData(insertMessage(RELATION, row(2 ** 53, 16)))],
    'a negative version': [begin, relation, xlogData(insertMessage(RELATION, row(1, -16)))],
    'a negative position': [keepaliveMessage(-1, false)],
    'a logical message': [xlogData(Buffer.from('M\0'.padEnd(30, '\0')))],
    nothing: [Buffer.alloc(0)],
    'a relation of another column type': [xlogData(relationMessage(RELATION, other))],
    'a relation with a column more': [xlogData(relationMessage(RELATION, [...COLUMNS, { name: 'x', typeNumber: 23 }]))],
    'a null version': [
      begin,
      relation,
      xlogData(insertMessage(RELATION, tuple([int64(1), int64(2), null, Buffer.alloc(20)]))),
    ],
    'a change of unknown kind': [xlogData(Buffer.from('Z'))],
  }
  for (const [what, messages] of Object.entries(refused)) {
    assert.throws(() => decode(...messages), { name: 'BenchError', code: 'FORMAT' }, what)
  }
})

test('walking a tuple gives every column as null or as length and bytes, and ends where the tuple ends', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.uint8Array({ maxLength: 50 })), { minLength: 1, maxLength: 12 }), (values) => {
      const bytes = tuple(values.map((value) => (value === null ? null : Buffer.from(value))))
      let at = TUPLE_HEADER_BYTES
      for (const value of values) {
        assert.equal(isNull(bytes, at, bytes.length), value === null)
        if (value === null) {
          at++
          continue
        }
        const element = elementStart(bytes, at, bytes.length)
        const length = uint32At(bytes, element)
        assert.deepEqual(Uint8Array.from(bytes.subarray(element + 4, element + 4 + length)), Uint8Array.from(value))
        at = element + 4 + length
      }
      assert.equal(at, bytes.length)
      assert.equal(tupleEnd(bytes, 0, bytes.length), bytes.length)
    }),
  )
})

test('a column that is unchanged or null has no element', () => {
  for (const bytes of [tuple([null]), Buffer.from('\0\u0001u', 'latin1')])
    assert.throws(() => elementStart(bytes, TUPLE_HEADER_BYTES, bytes.length), { code: 'FORMAT' })
})
