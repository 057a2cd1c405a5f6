// A spoilt stream ends in FORMAT or is still a stream: never in another error, never in a number that nobody wrote, and never
// by what lies beside the message in memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BenchError } from '../../bench/contract/errors.ts'
import { RowQueue } from '../postgres/row-queue.ts'
import { cutAt, noises, spoil } from './noise.fixture.ts'
import {
  COLUMNS,
  RELATION,
  beginMessage,
  commitMessage,
  insertMessage,
  int64,
  keepaliveMessage,
  originMessage,
  relationMessage,
  tuple,
  updateMessage,
  xlogData,
} from './pgoutput.fixture.ts'
import { FrameSplitter } from './pgoutput-frames.ts'
import { StreamDecoder, messageBytesMax } from './pgoutput.ts'

/** What may lie around a message: nothing, all bits, and what reads as columns, ends of texts and new tuples. */
const POISONS = ['\0', '\xff', 'n', 'b\0\0\0\u0008', 'N', 'w'].map((text) => Buffer.from(text, 'latin1'))

interface Row {
  readonly key: number
  readonly version: number
  readonly note: string | null
  readonly former: 'K' | 'O' | undefined
}

const identity = fc.maxSafeNat()
const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    key: identity,
    version: identity,
    note: fc.option(fc.string({ maxLength: 12 })),
    former: fc.constantFrom(undefined, 'K' as const, 'O' as const),
  }),
  { minLength: 1, maxLength: 4 },
)

function transaction(changes: readonly Row[]): Buffer[] {
  return [
    keepaliveMessage(77, true),
    xlogData(beginMessage(1000)),
    xlogData(originMessage('elsewhere')),
    xlogData(relationMessage(RELATION, COLUMNS)),
    ...changes.map(({ key, version, note, former }) => {
      const row = tuple([int64(key), int64(42), int64(version), note === null ? null : Buffer.from(note)])
      if (former === undefined) return xlogData(insertMessage(RELATION, row))
      return xlogData(updateMessage(RELATION, row, { marker: former, row: tuple([int64(key), null, null, null]) }))
    }),
    xlogData(commitMessage(1048, 777)),
  ]
}

/** What a decoder and the queue behind it make of payloads; ends with the refusal, if there is one. */
class Reader {
  readonly told: unknown[] = []
  readonly #queue = new RowQueue(COLUMNS)
  readonly decoder = new StreamDecoder(COLUMNS, {
    begin: (commitLsn) => this.#tell('begin', commitLsn),
    row: (key, version, bytes, start, end) => {
      this.#tell('row', key, version)
      this.#queue.push(key, version, bytes, start, end)
    },
    commit: (endLsn, bytes, at) => {
      const position = Buffer.from(bytes.subarray(at, at + 16))
      this.#tell('commit', endLsn, position)
      this.#queue.mark({ endLsn, waiting: 1 }, position)
      const batch = this.#queue.take(10_000, false)
      this.told.push(
        batch?.rows,
        batch?.arrays.map((array) => Buffer.from(array)),
      )
    },
    keepalive: (endLsn) => this.#tell('keepalive', endLsn),
  })

  #tell(what: string, ...values: (number | Buffer)[]): void {
    for (const value of values) {
      if (typeof value === 'number') assert.ok(Number.isSafeInteger(value) && value >= 0, `${what} told ${value}`)
    }
    this.told.push([what, ...values])
  }

  /** Runs what reads; a refusal is told as well, and any other error is the test's failure. */
  read(what: () => void): unknown[] {
    try {
      what()
    } catch (error) {
      assert.ok(error instanceof BenchError && error.code === 'FORMAT', String((error as Error).stack))
      this.told.push(error.message)
    }
    return this.told
  }
}

function decodeAmid(poison: Buffer, payloads: readonly Buffer[]): unknown[] {
  const reader = new Reader()
  return reader.read(() => {
    for (const payload of payloads) {
      const around = Buffer.alloc(payload.length + 200, poison)
      payload.copy(around, 100)
      reader.decoder.decode(around, 100, 100 + payload.length)
    }
  })
}

test('a spoilt message is refused or decoded by its own bytes alone', () => {
  const seen = { refused: 0, taken: 0 }
  fc.assert(
    fc.property(rows, fc.nat(), noises, (changes, place, noise) => {
      const payloads = transaction(changes)
      const at = place % payloads.length
      payloads[at] = spoil(payloads[at], noise)
      const [first, ...others] = POISONS.map((poison) => decodeAmid(poison, payloads))
      for (const other of others) assert.deepEqual(other, first)
      seen[typeof first.at(-1) === 'string' ? 'refused' : 'taken']++
    }),
    { numRuns: 2000 },
  )
  assert.ok(seen.refused > 1000 && seen.taken > 50, JSON.stringify(seen))
})

test('every message cut short is refused, wherever', () => {
  for (const [i, payload] of transaction([{ key: 5, version: 160, note: 'note', former: 'O' }]).entries()) {
    for (let end = 0; end < payload.length; end++) {
      for (const poison of POISONS) {
        const payloads = transaction([{ key: 5, version: 160, note: 'note', former: 'O' }])
        payloads[i] = payload.subarray(0, end)
        assert.equal(typeof decodeAmid(poison, payloads).at(-1), 'string', `message ${i} cut after ${end} bytes`)
      }
    }
  }
})

test('a spoilt stream is refused or decoded, however it is cut, and a good one always decoded', () => {
  const framed = (payload: Buffer) => {
    const header = Buffer.from([100, 0, 0, 0, 0])
    header.writeUInt32BE(4 + payload.length, 1)
    return Buffer.concat([header, payload])
  }
  const decodeCut = (bytes: Buffer, places: readonly number[]): unknown[] => {
    const reader = new Reader()
    const splitter = new FrameSplitter(messageBytesMax(COLUMNS.length), (_type, chunk, start, end) =>
      reader.decoder.decode(chunk, start, end),
    )
    return reader.read(() => {
      for (const chunk of cutAt(bytes, places)) splitter.push(chunk)
    })
  }
  const places = fc.array(fc.nat(), { maxLength: 30 })
  fc.assert(
    fc.property(rows, places, noises, (changes, cuts, noise) => {
      const payloads = transaction(changes)
      const bytes = Buffer.concat(payloads.map(framed))
      assert.deepEqual(decodeCut(bytes, cuts), decodeAmid(POISONS[0], payloads))
      const spoilt = spoil(bytes, noise)
      assert.deepEqual(decodeCut(spoilt, cuts), decodeCut(spoilt, []))
    }),
    { numRuns: 500 },
  )
})
