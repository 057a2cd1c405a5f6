// A log is read whole, a log that was cut off up to where it was cut, and any other log is refused.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { BenchError } from '../../bench/contract/errors.ts'
import { encodeLog } from './level-log.fixture.ts'
import { type LogEnd, walkLog } from './log-check.ts'

const BLOCK_BYTES = 32_768
const folder = mkdtempSync(join(tmpdir(), 'geowrite-log-'))
const path = join(folder, '000005.log')
after(() => rmSync(folder, { recursive: true }))

function walked(bytes: Uint8Array): { readonly records: string[]; readonly end: LogEnd } {
  writeFileSync(path, bytes)
  const records: string[] = []
  const end = walkLog(path, (record) => records.push(record.toString('latin1')))
  return { records, end }
}

const isDamage = (error: unknown) =>
  error instanceof BenchError && error.code === 'FORMAT' && error.message.startsWith(`${path} is damaged at byte `)

/** Records of every size, of which some end just before, at or after a block's end. */
const records = fc
  .array(
    fc.tuple(fc.oneof(fc.nat(60), fc.nat(3000), fc.integer({ min: 32_740, max: 32_780 }), fc.nat(80_000)), fc.nat()),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((sizes) =>
    sizes.map(([size, seed]) => Buffer.from(Array.from({ length: size }, (_, i) => (i * i + seed) & 255))),
  )

test('a whole log is read record by record, wherever its blocks end', () => {
  fc.assert(
    fc.property(records, (written) => {
      const { bytes, ends } = encodeLog(written)
      const { records: read, end } = walked(bytes)
      assert.deepEqual(
        read,
        written.map((record) => record.toString('latin1')),
      )
      assert.deepEqual(end, { records: written.length, end: ends.at(-1), cutBytes: 0 })
    }),
    { numRuns: 60 },
  )
})

test('a log that was cut off holds exactly the records before the cut, and says how much is left of the next', () => {
  fc.assert(
    fc.property(records, fc.nat(), (written, place) => {
      const { bytes, ends } = encodeLog(written)
      const length = place % bytes.length
      const whole = ends.filter((end) => end <= length)
      const { records: read, end } = walked(bytes.subarray(0, length))
      assert.deepEqual(
        read,
        written.slice(0, whole.length).map((record) => record.toString('latin1')),
      )
      const last = whole.at(-1) ?? 0
      assert.deepEqual(end, { records: whole.length, end: last, cutBytes: length - last })
    }),
    { numRuns: 60 },
  )
})

test('one flipped bit anywhere in a whole log is refused, in the length of its last record too', () => {
  const lastHeader = fc.record({ fromEnd: fc.constant(true), byte: fc.nat(6), bit: fc.nat(7) })
  const anywhere = fc.record({ fromEnd: fc.constant(false), byte: fc.nat(), bit: fc.nat(7) })
  fc.assert(
    fc.property(records, fc.oneof(anywhere, lastHeader), (written, { fromEnd, byte, bit }) => {
      const { bytes } = encodeLog(written)
      bytes[fromEnd ? lastPieceOf(bytes) + byte : byte % bytes.length] ^= 1 << bit
      assert.throws(() => walked(bytes), isDamage)
    }),
    { numRuns: 150 },
  )
})

function lastPieceOf(log: Buffer): number {
  let last = 0
  for (let at = 0; at < log.length;) {
    if (BLOCK_BYTES - (at % BLOCK_BYTES) < 7) at += BLOCK_BYTES - (at % BLOCK_BYTES)
    last = at
    at += 7 + log.readUInt16LE(at + 4)
  }
  return last
}

test('zeros at the end are dropped as what a power failure leaves, zeros before a record are refused', () => {
  const { bytes, ends } = encodeLog([Buffer.alloc(100, 1), Buffer.alloc(50, 2)])
  for (const zeros of [1, 7, 500, 2 * BLOCK_BYTES]) {
    const { records: read, end } = walked(Buffer.concat([bytes, Buffer.alloc(zeros)]))
    assert.equal(read.length, 2)
    assert.deepEqual(end, { records: 2, end: ends[1], cutBytes: zeros })
  }
  const hole = Buffer.from(bytes).fill(0, ends[0], ends[0] + 20)
  assert.throws(() => walked(hole), isDamage)
  const block = Buffer.concat([bytes, Buffer.alloc(BLOCK_BYTES - bytes.length), bytes])
  assert.throws(() => walked(block), isDamage)
})

test('a record without its middle, its start or its end in the midst of a log is refused', () => {
  const { bytes } = encodeLog([Buffer.alloc(100, 1), Buffer.alloc(3 * BLOCK_BYTES, 2), Buffer.alloc(100, 3)])
  const blocks = [0, 1, 2, 3].map((block) => bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES))
  assert.equal(walked(bytes).records.length, 3)
  assert.throws(() => walked(Buffer.concat([blocks[1], blocks[2], blocks[3]])), isDamage)
  assert.throws(() => walked(Buffer.concat([blocks[0], encodeLog([Buffer.alloc(9)]).bytes])), isDamage)
})
