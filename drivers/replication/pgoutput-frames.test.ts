// Message boundaries never coincide with what a socket delivers: any cut must give the same messages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameSplitter, int64At } from './pgoutput-frames.ts'

const LIMIT = 4096

interface Message {
  readonly type: number
  readonly payload: Uint8Array
}

function frame({ type, payload }: Message): Buffer {
  const bytes = Buffer.alloc(5 + payload.length)
  bytes[0] = type
  bytes.writeUInt32BE(4 + payload.length, 1)
  bytes.set(payload, 5)
  return bytes
}

test('messages come out whole and in order wherever the bytes are cut', () => {
  const message = fc.record({ type: fc.integer({ min: 1, max: 127 }), payload: fc.uint8Array({ maxLength: 40 }) })
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
      (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(frame))
        const seen: Message[] = []
        const splitter = new FrameSplitter(LIMIT, (type, chunk, start, end) => {
          seen.push({ type, payload: Uint8Array.from(chunk.subarray(start, end)) })
        })
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + cuts[i % cuts.length]
          splitter.push(bytes.subarray(at, end))
          at = end
        }
        assert.deepEqual(
          seen,
          messages.map(({ type, payload }) => ({ type, payload: Uint8Array.from(payload) })),
        )
      },
    ),
  )
})

test('a message inside one chunk is not copied', () => {
  const chunk = Buffer.concat([frame({ type: 100, payload: Buffer.from('abc') }), Buffer.from([100, 0])])
  let source: Buffer | undefined
  new FrameSplitter(LIMIT, (_type, bytes) => (source = bytes)).push(chunk)
  assert.equal(source, chunk)
})

test('a length that no message can have is refused', () => {
  const splitter = new FrameSplitter(LIMIT, () => {})
  assert.throws(() => splitter.push(Buffer.from('HTTP/1.1 400 Bad Request')), { name: 'BenchError', code: 'FORMAT' })
})

test('a 64-bit integer is read as the number that was written, or refused where that would be another', () => {
  const edges = fc.constantFrom(0n, -1n, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n)
  fc.assert(
    fc.property(fc.oneof(edges, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeNat()), (written) => {
      const value = BigInt(written)
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(value)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      if (value >= 0n && value < 2n ** 53n) assert.equal(int64At(view, 0), Number(value))
      else assert.throws(() => int64At(view, 0), { name: 'BenchError', code: 'FORMAT' })
    }),
  )
})

test('a header makes no room for what it only names, however long that may be', () => {
  const longest = 1 << 30
  const header = Buffer.from([100, 0, 0, 0, 0])
  header.writeUInt32BE(longest, 1)
  const before = process.memoryUsage().arrayBuffers
  const splitters = Array.from({ length: 8 }, () => new FrameSplitter(longest, () => assert.fail('nothing was whole')))
  for (const splitter of splitters) splitter.push(Buffer.concat([header, Buffer.alloc(1000)]))
  const grownBytes = process.memoryUsage().arrayBuffers - before
  assert.ok(grownBytes < 8 << 20, `${grownBytes} bytes for ${splitters.length} headers`)
})

test('a message that is longer than the room made for its header comes out whole', () => {
  const payload = Buffer.alloc(3 << 20, 'geowrite')
  const bytes = frame({ type: 100, payload })
  let seen: Buffer | undefined
  const splitter = new FrameSplitter(payload.length, (_type, whole, start, end) => (seen = whole.subarray(start, end)))
  for (let at = 0; at < bytes.length; at += 65_536) splitter.push(bytes.subarray(at, at + 65_536))
  assert.ok(seen?.equals(payload))
})
