// The binary arrays, read back by a decoder written from the format's description.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ArrayParameter, TYPE } from './array-parameter.ts'

function readArray(bytes: Buffer): { type: number; elements: (Buffer | null)[] } {
  assert.equal(bytes.readInt32BE(0), 1, 'one dimension')
  assert.equal(bytes.readInt32BE(16), 1, 'counted from 1')
  const elements: (Buffer | null)[] = []
  let at = 20
  for (let i = 0; i < bytes.readInt32BE(12); i++) {
    const length = bytes.readInt32BE(at)
    elements.push(length === -1 ? null : Buffer.from(bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + Math.max(0, length)
  }
  assert.equal(at, bytes.length, 'nothing behind the last element')
  assert.equal(bytes.readInt32BE(4), elements.includes(null) ? 1 : 0, 'says whether it has nulls')
  return { type: bytes.readUInt32BE(8), elements }
}

test('int8 and int4 elements read back as they were added', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger()), fc.array(fc.integer()), (longs, ints) => {
      const wide = new ArrayParameter(TYPE.int8)
      const narrow = new ArrayParameter(TYPE.int4)
      for (const value of longs) wide.addInt64(value)
      for (const value of ints) narrow.addInt32(value)
      const { type, elements } = readArray(wide.take())
      assert.equal(type, 20)
      assert.deepEqual(
        elements.map((element) => Number(element?.readBigInt64BE())),
        longs,
      )
      assert.deepEqual(
        readArray(narrow.take()).elements.map((element) => element?.readInt32BE()),
        ints,
      )
    }),
  )
})

test('texts of any length and nulls read back, and one array after another reuses the memory', () => {
  const value = fc.option(fc.uint8Array({ maxLength: 3000 }), { freq: 20 })
  const parameter = new ArrayParameter(TYPE.text)
  fc.assert(
    fc.property(fc.array(value, { maxLength: 30 }), (values) => {
      for (const bytes of values) {
        if (bytes === null) {
          parameter.addNull()
          continue
        }
        const source = Buffer.concat([Buffer.from('..'), bytes, Buffer.from('..')])
        parameter.addBytes(source, 2, bytes.length)
      }
      const { elements } = readArray(parameter.take())
      assert.deepEqual(
        elements,
        values.map((bytes) => (bytes === null ? null : Buffer.from(bytes))),
      )
    }),
    { numRuns: 40 },
  )
})

test('an element taken over from a tuple is the same as its bytes added', () => {
  const text = Buffer.from('a text of more than forty bytes, so that it is copied in one piece')
  const element = Buffer.concat([Buffer.from([0, 0, 0, text.length]), text])
  const taken = new ArrayParameter(TYPE.text)
  const added = new ArrayParameter(TYPE.text)
  taken.addElement(Buffer.concat([Buffer.from('b'), element]), 1, element.length)
  added.addBytes(text, 0, text.length)
  assert.deepEqual(taken.take(), added.take())
})
