// The CRC-32C is that of the standard, for every length and place of the bytes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c, endWithCrc, unmasked } from './crc32c.ts'
import { mask, slowCrc32c } from './level-log.fixture.ts'

test('the examples of RFC 3720, appendix B.4', () => {
  const examples: readonly (readonly [bytes: Buffer, crc: number])[] = [
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    [Buffer.from('123456789'), 0xe3069283],
  ]
  for (const [bytes, crc] of examples) {
    assert.equal(crc32c(bytes, 0, bytes.length), crc)
    assert.equal(slowCrc32c(bytes), crc)
  }
})

test('any piece of any bytes has the CRC that is worked out bit by bit, and its mask comes off', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (array, a, b) => {
      const bytes = Buffer.from(array)
      const [from, to] = [a, b].map((place) => place % (bytes.length + 1)).sort((x, y) => x - y)
      const crc = slowCrc32c(bytes.subarray(from, to))
      assert.equal(crc32c(bytes, from, to), crc)
      assert.equal(unmasked(mask(crc)), crc)
    }),
  )
})

test('the start of a run of bytes is found by its CRC, and nothing is found where no start has it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(99), fc.integer(), (array, place, other) => {
      const bytes = Buffer.from(array)
      const end = 1 + (place % bytes.length)
      const crcs = Array.from(bytes, (_, i) => slowCrc32c(bytes.subarray(0, i + 1)))
      assert.equal(endWithCrc(bytes, 0, bytes.length, crcs[end - 1]), crcs.indexOf(crcs[end - 1]) + 1)
      const found = crcs.indexOf(other >>> 0)
      assert.equal(endWithCrc(bytes, 0, bytes.length, other >>> 0), found < 0 ? undefined : found + 1)
    }),
  )
})
