// Message boundaries never coincide with what a socket delivers: any cut must give the same messages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameSplitter, int64At } from './pgoutput-frames.ts'

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
        const splitter = new FrameSplitter((type, chunk, start, end) => {
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
  new FrameSplitter((_type, bytes) => (source = bytes)).push(chunk)
  assert.equal(source, chunk)
})

test('a length that no message can have is refused', () => {
  const splitter = new FrameSplitter(() => {})
  assert.throws(() => splitter.push(Buffer.from('HTTP/1.1 400 Bad Request')), { name: 'BenchError', code: 'FORMAT' })
})

test('64-bit integers are read as the numbers that were written', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(value))
      assert.equal(int64At(bytes, 0), value)
    }),
  )
})
