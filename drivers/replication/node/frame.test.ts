// Frames survive any way in which TCP cuts them, and what is no frame ends the reading.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutAt, noises, spoil } from '../noise.fixture.ts'
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameReader, MalformedFrame, frameOf } from './frame.ts'

const LIMIT = 4096

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffffffff }),
    body: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 8 },
)

test('frames come out as they went in, however they are cut', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 40 }), (sent, places) => {
      const got: { type: number; id: number; body: Uint8Array }[] = []
      const reader = new FrameReader(LIMIT, (type, id, body) => got.push({ type, id, body: Uint8Array.from(body) }))
      const bytes = Buffer.concat(sent.map(({ type, id, body }) => frameOf(type, id, body)))
      for (const chunk of cutAt(bytes, places)) reader.push(chunk)
      assert.deepEqual(
        got,
        sent.map(({ type, id, body }) => ({ type, id, body: Uint8Array.from(body) })),
      )
    }),
  )
})

test('spoilt frames are refused or frames, the same however they are cut', () => {
  const read = (bytes: Buffer, places: readonly number[]): unknown[] => {
    const got: unknown[] = []
    const reader = new FrameReader(LIMIT, (type, id, body) => got.push([type, id, Buffer.from(body)]))
    try {
      for (const chunk of cutAt(bytes, places)) reader.push(chunk)
    } catch (error) {
      assert.ok(error instanceof MalformedFrame && error.code === 'FORMAT', String(error))
      got.push(error.message)
    }
    return got
  }
  fc.assert(
    fc.property(frames, noises, fc.array(fc.nat(), { maxLength: 40 }), (sent, noise, places) => {
      const bytes = spoil(Buffer.concat(sent.map(({ type, id, body }) => frameOf(type, id, body))), noise)
      assert.deepEqual(read(bytes, places), read(bytes, []))
    }),
    { numRuns: 500 },
  )
})

test('a header makes no room for what it only names', () => {
  const header = Buffer.alloc(FRAME_HEADER_BYTES + 1000)
  header.writeUInt32LE(FRAME_BYTES_MAX, 0)
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 8 }, () => new FrameReader(FRAME_BYTES_MAX, () => assert.fail('none was whole')))
  for (const reader of readers) reader.push(header)
  const grownBytes = process.memoryUsage().arrayBuffers - before
  assert.ok(grownBytes < 8 << 20, `${grownBytes} bytes for ${readers.length} headers`)
})

test('a frame that is longer than the room made for its header comes out whole', () => {
  const body = Buffer.alloc(3 << 20, 'geowrite')
  const frame = frameOf(2, 7, body)
  let seen: Buffer | undefined
  const reader = new FrameReader(FRAME_BYTES_MAX, (_type, _id, whole) => (seen = whole))
  for (let at = 0; at < frame.length; at += 65_536) reader.push(frame.subarray(at, at + 65_536))
  assert.ok(seen?.equals(body))
})

test('a truncated frame is never handed over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (body, place) => {
      const frame = frameOf(1, 2, body)
      let handed = 0
      const reader = new FrameReader(LIMIT, () => handed++)
      reader.push(frame.subarray(0, place % frame.length))
      assert.equal(handed, 0)
    }),
  )
})

test('a frame longer than the limit is malformed before any room is made for it', () => {
  const reader = new FrameReader(LIMIT, () => assert.fail('no frame was complete'))
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  header.writeUInt32LE(0xffffffff, 0)
  assert.throws(() => reader.push(header), MalformedFrame)
})

test('a frame too short for its header is malformed', () => {
  for (const length of [0, 1, FRAME_HEADER_BYTES - 5]) {
    const bytes = Buffer.alloc(64)
    bytes.writeUInt32LE(length, 0)
    assert.throws(() => new FrameReader(LIMIT, () => {}).push(bytes), MalformedFrame, `length ${length}`)
  }
})
