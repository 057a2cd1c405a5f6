// What was packed as the format says comes out again, and bytes that are not packed are refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unpackSnappy } from './snappy.ts'

type Element = { readonly literal: Uint8Array } | { readonly copy: number; readonly back: number }

/** The elements in the format's bytes, and what they mean. */
function pack(elements: readonly Element[]): { readonly packed: Buffer; readonly meant: Buffer } {
  const parts: Buffer[] = []
  const meant: number[] = []
  for (const element of elements) {
    if ('literal' in element) {
      const length = element.literal.length - 1
      const bytes = length < 60 ? 0 : length < 256 ? 1 : 2
      const head = Buffer.alloc(1 + bytes, (bytes === 0 ? length : 59 + bytes) << 2)
      if (bytes > 0) head.writeUIntLE(length, 1, bytes)
      parts.push(head, Buffer.from(element.literal))
      meant.push(...element.literal)
      continue
    }
    if (meant.length === 0) continue
    const offset = 1 + (element.back % meant.length)
    const { copy } = element
    const kind = copy >= 4 && copy < 12 && offset < 2048 ? 1 : offset < 65_536 && element.back % 2 === 0 ? 2 : 3
    const head = Buffer.alloc([0, 2, 3, 5][kind], ((copy - 1) << 2) | kind)
    if (kind === 1) {
      head[0] = ((offset >>> 8) << 5) | ((copy - 4) << 2) | 1
      head[1] = offset & 255
    } else head.writeUIntLE(offset, 1, kind === 2 ? 2 : 4)
    parts.push(head)
    for (let i = 0; i < copy; i++) meant.push(meant[meant.length - offset])
  }
  const length: number[] = []
  for (let rest = meant.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128)
    if (rest < 128) break
  }
  return { packed: Buffer.concat([Buffer.from(length), ...parts]), meant: Buffer.from(meant) }
}

const element: fc.Arbitrary<Element> = fc.oneof(
  fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 400 }) }),
  fc.record({ copy: fc.integer({ min: 1, max: 64 }), back: fc.nat(5000) }),
)

test('literals of every length and copies of every kind are unpacked', () => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 40 }), (elements) => {
      const { packed, meant } = pack(elements)
      assert.deepEqual(unpackSnappy(packed), meant)
    }),
  )
})

test('whatever bytes come, they are unpacked or refused with a RangeError', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(element, { maxLength: 6 }),
      fc.nat(),
      (noise, elements, cut) => {
        const { packed } = pack(elements)
        const whole = Buffer.concat([packed.subarray(0, cut % (packed.length + 1)), noise])
        try {
          unpackSnappy(whole)
        } catch (error) {
          assert.ok(error instanceof RangeError)
        }
      },
    ),
  )
})
