// An answer to a write says what was put into it, is empty where there is nothing to say, and noise is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OUTCOME } from '../../../bench/contract/outcome.ts'
import { MalformedFrame } from './frame.ts'
import { type WriteAnswer, decodeWriteAnswer, encodeWriteAnswer } from './write-answer.ts'

const COUNT = 9
const DCS = 3
const places = fc.uniqueArray(fc.nat(COUNT - 1), { minLength: 1 }).map((rows) => rows.toSorted((a, b) => a - b))
const numbers = (length: number) =>
  fc.array(fc.maxSafeNat(), { minLength: length, maxLength: length }).map((all) => Float64Array.from(all))
const answers: fc.Arbitrary<WriteAnswer> = fc.record(
  {
    raised: places.chain((rows) =>
      fc
        .array(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { minLength: rows.length, maxLength: rows.length })
        .map((versions) => ({ rows, versions })),
    ),
    unknown: places,
    found: fc.record({ overwrote: numbers(COUNT), seen: numbers(COUNT * DCS) }),
  },
  { requiredKeys: [] },
)

test('what a node says of a write arrives row by row, in whatever combination', () => {
  fc.assert(
    fc.property(answers, ({ raised, unknown, found }) => {
      const body = encodeWriteAnswer({ raised, unknown, found })
      const result = decodeWriteAnswer(body, COUNT, found === undefined ? 0 : DCS)
      assert.equal(body.length === 0, raised === undefined && unknown === undefined && found === undefined)
      assert.equal(result.outcome, OUTCOME.ok)
      assert.equal(result.error, unknown === undefined ? undefined : 'not-answered')
      for (let row = 0; row < COUNT; row++) {
        const place = raised?.rows.indexOf(row) ?? -1
        assert.equal(result.storedVersions?.[row] ?? 0, place < 0 ? 0 : raised?.versions[place])
        assert.equal(result.rowOutcomes?.[row] ?? OUTCOME.ok, unknown?.includes(row) ? OUTCOME.info : OUTCOME.ok)
      }
      assert.equal(result.storedVersions === undefined, raised === undefined)
      assert.equal(result.rowOutcomes === undefined, unknown === undefined)
      assert.deepEqual(result.overwrote, found?.overwrote)
      assert.deepEqual(result.seen, found?.seen)
    }),
  )
})

test('an answer to another number of rows, cut short or about rows that are not there is refused', () => {
  const whole = encodeWriteAnswer({
    raised: { rows: [COUNT - 1], versions: [16] },
    unknown: [2],
    found: { overwrote: new Float64Array(COUNT), seen: new Float64Array(COUNT * DCS) },
  })
  assert.doesNotThrow(() => decodeWriteAnswer(whole, COUNT, DCS))
  for (const count of [COUNT - 1, COUNT + 1]) assert.throws(() => decodeWriteAnswer(whole, count, DCS), MalformedFrame)
  for (let end = 1; end < whole.length; end++) {
    assert.throws(() => decodeWriteAnswer(whole.subarray(0, end), COUNT, DCS), MalformedFrame)
  }
  assert.throws(() => decodeWriteAnswer(encodeWriteAnswer({ unknown: [COUNT] }), COUNT, 0), MalformedFrame)
  assert.throws(
    () => decodeWriteAnswer(encodeWriteAnswer({ raised: { rows: [0.5], versions: [1] } }), 1, 0),
    MalformedFrame,
  )
  const sizes = Buffer.from(new Float64Array([0.5, 0, 0, 7]).buffer)
  assert.throws(() => decodeWriteAnswer(sizes, COUNT, 0), MalformedFrame)
  for (const dcs of [0, DCS - 1, DCS + 1]) assert.throws(() => decodeWriteAnswer(whole, COUNT, dcs), MalformedFrame)
  assert.throws(() => decodeWriteAnswer(Buffer.alloc(0), COUNT, DCS), MalformedFrame)
  for (const version of [-16, 0.5, Number.NaN, 2 ** 53]) {
    const raised = encodeWriteAnswer({ raised: { rows: [1], versions: [version] } })
    assert.throws(() => decodeWriteAnswer(raised, COUNT, 0), MalformedFrame, `version ${version}`)
  }
})
