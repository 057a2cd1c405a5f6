// Every body of a frame, spoilt: read as something of its kind or refused with FORMAT, and by its own bytes alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DigestSum } from '../../../bench/lib/digest-sum.ts'
import { noises, spoil } from '../noise.fixture.ts'
import { decodeDigest, encodeDigest } from './digest.ts'
import { partsOf } from './entry-parts.ts'
import { MalformedFrame } from './frame.ts'
import {
  ROLE,
  decodeExactly,
  decodeHello,
  decodeIdentities,
  decodeSelection,
  encodeHello,
  encodeNumbers,
  encodeSelection,
  refusalIn,
} from './message.ts'
import { Writer, consecutive } from './nodes.fixture.ts'
import { PackedRows, packBatch, recordContent, recordWithoutVector } from './packed-rows.ts'
import { decodePlanted, decodeStatus } from './told.ts'
import { decodeWriteAnswer, encodeWriteAnswer } from './write-answer.ts'

const COUNT = 4
const DCS = 2
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const STATUS = {
  dc: 'west',
  version: '1',
  settings: { sync: 'on' },
  headRows: 7,
  peers: [{ dc: 'east', acknowledgedRows: 5, streaming: true, appliedRows: 3, following: false }],
  counters: { commits: 2, hit_share: 0.5 },
}
const PLANTED = [{ name: 'lost', meaning: 'a lost row', metric: 'lost', rows: 2, standing: [3, 4] }]
const digest = new DigestSum(3)
for (let key = 0; key < 9; key++) digest.add(key, Buffer.from(`row ${key}`))

/** A copy of what was read, so that it can be compared after its bytes are gone. */
const rowsIn = (rows: PackedRows) =>
  consecutive(0, rows.count).map((row) => [
    rows.key(row),
    rows.dot(row),
    rows.version(row),
    rows.operation(row),
    Buffer.from(recordContent(rows.record(row))),
    Buffer.from(recordWithoutVector(rows.record(row))),
  ])

/** Good bodies, and what reads them; whatever they give is compared. */
const BODIES: Readonly<Record<string, readonly [Buffer, (body: Buffer) => unknown]>> = {
  'a greeting': [encodeHello({ role: ROLE.peer, dcIndex: 3, secret: 'c0ffee' }), decodeHello],
  keys: [encodeNumbers([1, 2, 2 ** 53 - 1]), decodeIdentities],
  'a position': [encodeNumbers([77, 5]), (body) => decodeExactly(body, 2)],
  'a selection of keys': [encodeSelection({ keys: Float64Array.of(5, 6) }), decodeSelection],
  'a selection of a bucket': [encodeSelection({ bucket: 1, buckets: 3 }), decodeSelection],
  'a batch': [packBatch(new Writer(0).batch(consecutive(0, COUNT)), 0), (body) => rowsIn(PackedRows.parse(body))],
  'a batch with vectors': [
    packBatch(new Writer(0).batch(consecutive(0, COUNT)), 0, DCS),
    (body) => rowsIn(PackedRows.parse(body, DCS)),
  ],
  'an entry': [
    packBatch(new Writer(0).batch(consecutive(0, COUNT)), 0),
    (body) =>
      [...partsOf({ position: COUNT, payload: body }, 0, (dot) => dot % 3)].map(({ part, delayMs }) => [
        part.position,
        Buffer.from(part.payload),
        delayMs,
      ]),
  ],
  'an answer to a write': [
    encodeWriteAnswer({
      raised: { rows: [1], versions: [32] },
      unknown: [2],
      found: { overwrote: new Float64Array(COUNT), seen: new Float64Array(COUNT * DCS) },
    }),
    (body) => decodeWriteAnswer(body, COUNT, DCS),
  ],
  'a digest': [encodeDigest(digest, 1, 2.5), (body) => decodeDigest(body, 3)],
  'a status': [json(STATUS), decodeStatus],
  'what was planted': [json(PLANTED), decodePlanted],
  'a refusal': [Buffer.from('no\n\0more than 4'), refusalIn],
}
const POISONS = ['\0', '\xff', '\x01', '0'].map((text) => Buffer.from(text, 'latin1'))

function readAmid(poison: Buffer, body: Buffer, read: (body: Buffer) => unknown): unknown {
  const around = Buffer.alloc(body.length + 128, poison)
  // At an odd place, as after a frame of any length.
  body.copy(around, 61)
  try {
    return read(around.subarray(61, 61 + body.length))
  } catch (error) {
    assert.ok(error instanceof MalformedFrame && error.code === 'FORMAT', String((error as Error).stack))
    return error.message
  }
}

for (const [what, [good, read]] of Object.entries(BODIES)) {
  test(`${what}, spoilt, is refused with FORMAT or read by its own bytes alone`, () => {
    assert.notEqual(typeof readAmid(POISONS[0], good, read), what === 'a refusal' ? 'object' : 'string')
    fc.assert(
      fc.property(noises, (noise) => {
        const bad = spoil(good, noise)
        const [first, ...others] = POISONS.map((poison) => readAmid(poison, bad, read))
        for (const other of others) assert.deepEqual(other, first)
      }),
      { numRuns: 300 },
    )
  })
}

test('JSON that is no status or no list of faults is refused, whatever is wrong with it', () => {
  assert.deepEqual(decodeStatus(json(STATUS)), STATUS)
  assert.deepEqual(decodePlanted(json(PLANTED)), PLANTED)
  /** With each field gone, and with each being what it never is. */
  const broken = (good: object): object[] =>
    Object.keys(good).flatMap((name) =>
      [undefined, null, -1, ['x'], { a: null }].map((bad) => ({ ...good, [name]: bad })),
    )
  const [peer] = STATUS.peers
  for (const bad of [
    null,
    7,
    'x',
    [],
    {},
    ...broken(STATUS),
    ...broken(peer).map((one) => ({ ...STATUS, peers: [one] })),
  ]) {
    assert.throws(() => decodeStatus(json(bad)), MalformedFrame, JSON.stringify(bad))
  }
  for (const bad of [null, {}, 'x', [null], [[]], ...broken(PLANTED[0]).map((fault) => [fault])]) {
    assert.throws(() => decodePlanted(json(bad)), MalformedFrame, JSON.stringify(bad))
  }
})
