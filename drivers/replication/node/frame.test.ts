// Frames survive any way in which TCP cuts them, and what is no frame ends the reading.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FRAME_HEADER_BYTES, FrameReader, MalformedFrame, frameOf } from './frame.ts'

const LIMIT = 4096

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffffffff }),
    body: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 8 },
)

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...ends].map((from, i) => Buffer.from(bytes.subarray(from, ends[i] ?? bytes.length)))
}

test('frames come out as they went in, however they are cut', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 40 }), (sent, places) => {
      const got: { type: number; id: number; body: Uint8Array }[] = []
      const reader = new FrameReader(LIMIT, (type, id, body) => got.push({ type, id, body: Uint8Array.from(body) }))
      const bytes = Buffer.concat(sent.map(({ type, id, body }) => frameOf(type, id, body)))
      for (const chunk of cut(bytes, places)) reader.push(chunk)
      assert.deepEqual(
        got,
        sent.map(({ type, id, body }) => ({ type, id, body: Uint8Array.from(body) })),
      )
    }),
  )
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
