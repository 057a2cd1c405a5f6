// What a DC is found to hold: whole and mixed rows, tombstones, absent rows, and the sums of counters.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Admin, RowSelection, RowStates } from '../contract/driver.ts'
import { countsFile, finalFile } from '../contract/run-folder.ts'
import { readBlocks } from '../lib/column-file.ts'
import { ContentMaker } from '../lib/content.ts'
import { COUNTS, FINAL, FINAL_STATE } from '../lib/ledger-format.ts'
import { readBack } from './read-back.ts'

const SEED = 7
const CONTENT = new ContentMaker(
  [
    { name: 'count', type: 'int', min: 1, max: 1, counter: true },
    { name: 'note', type: 'text', minBytes: 4, maxBytes: 9 },
  ],
  SEED,
)

/** Encoded row of `dot` with the given sum. */
function row(dot: number, sum: number, spoil = false): Uint8Array {
  const bytes = Buffer.from(CONTENT.expected(dot))
  bytes.writeInt32LE(sum, 0)
  if (spoil) bytes[bytes.length - 1] ^= 1
  return bytes
}

type Held = Readonly<Record<number, { readonly dot: number; readonly content: Uint8Array }>>

/** A store of the given rows by DC; digests tell contents apart. */
function adminOf(stored: Readonly<Record<string, Held>>): Admin {
  return {
    async digest(dc: string, { buckets, keys }: { buckets: number; keys?: Float64Array }) {
      const sums = new BigUint64Array(buckets)
      for (const [key, { dot, content }] of Object.entries(stored[dc])) {
        if (keys !== undefined && !keys.includes(Number(key))) continue
        sums[Number(key) % buckets] +=
          BigInt(dot) * 1000003n + content.reduce((sum, byte) => sum * 31n + BigInt(byte), 7n)
      }
      return { startedUs: 0, endedUs: 0, counts: new Float64Array(buckets), sums, xors: sums }
    },
    async *rows(dc: string, selection: RowSelection): AsyncIterable<RowStates> {
      const isAsked = (key: number) =>
        'keys' in selection ? selection.keys.includes(key) : key % selection.buckets === selection.bucket
      const found = Object.entries(stored[dc]).filter(([key]) => isAsked(Number(key)))
      yield {
        count: found.length,
        keys: Float64Array.from(found, ([key]) => Number(key)),
        dots: Float64Array.from(found, ([, { dot }]) => dot),
        versions: Float64Array.from(found, ([, { dot }]) => dot * 16),
        contents: found.map(([, { content }]) => content),
      }
    },
  } as unknown as Admin
}

test('tombstones, mixed and absent rows are told apart, sums are kept, and rows that differ in their sum alone diverge', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-held-'))
  try {
    const common: Held = {
      1: { dot: 11, content: row(11, 5) },
      2: { dot: 12, content: new Uint8Array(0) },
      3: { dot: 13, content: row(13, 4, true) },
    }
    const stored = {
      a: { ...common, 5: { dot: 15, content: row(15, 8) } },
      b: { ...common, 5: { dot: 15, content: row(15, 7) } },
    }
    const { divergent, wholeTableEqual } = await readBack(
      adminOf(stored),
      ['a', 'b'],
      Float64Array.of(1, 2, 3, 4, 5),
      CONTENT,
      folder,
    )
    const [final] = readBlocks(FINAL, join(folder, finalFile('a')))
    const { whole, deleted, mixed, absent } = FINAL_STATE
    assert.deepEqual([...final.state.subarray(0, 5)], [whole, deleted, mixed, absent, whole])
    for (const [dc, sum] of [
      ['a', 8],
      ['b', 7],
    ] as const) {
      const [counts] = readBlocks(COUNTS, join(folder, countsFile(dc)))
      assert.deepEqual([...counts.key.subarray(0, 3)], [1, 3, 5])
      assert.deepEqual([...counts.value.subarray(0, 3)], [5, 4, sum])
    }
    assert.equal(wholeTableEqual, false)
    assert.deepEqual(
      divergent.rows.map(({ key }) => key),
      [5],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const LATE = ['rows', 'digest'] as const

for (const call of LATE) {
  test(`a write that comes late, between the DCs’ ${call}, has all read again and leaves no difference`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'geowrite-held-'))
    try {
      const [early, late] = [11, 12].map((dot) => ({ 1: { dot, content: row(dot, 5) } }))
      const stored = { a: early, b: early }
      const admin = adminOf(stored)
      const { digest, rows } = admin
      let calls = 0
      const arrives = (which: (typeof LATE)[number], dc: string) => {
        if (which !== call || ++calls > 2) return
        // The second DC is asked when it has come; with digests the first has it already when it is asked.
        if (which === 'rows' ? dc === 'b' : dc === 'a') stored.a = late
        if (which === 'rows' && dc === 'b') stored.b = late
      }
      Object.assign(admin, {
        rows(...[dc, selection]: Parameters<Admin['rows']>) {
          arrives('rows', dc)
          return rows(dc, selection)
        },
        async digest(...[dc, selection]: Parameters<Admin['digest']>) {
          arrives('digest', dc)
          const found = await digest(dc, selection)
          if (call === 'digest' && dc === 'b') stored.b = late
          return found
        },
      })
      const back = await readBack(admin, ['a', 'b'], Float64Array.of(1), CONTENT, folder, true)
      assert.deepEqual(back, { wholeTableEqual: true, divergent: { total: 0, rows: [] }, reads: 2 })
      for (const dc of ['a', 'b']) {
        const [final] = readBlocks(FINAL, join(folder, finalFile(dc)))
        assert.equal(final.dot[0], 12)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
}

test('DCs that stay apart are read again only where they had been equal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-held-'))
  try {
    const [older, newer] = [11, 12].map((dot) => ({ 1: { dot, content: row(dot, 5) } }))
    const back = await readBack(adminOf({ a: older, b: newer }), ['a', 'b'], Float64Array.of(1), CONTENT, folder)
    assert.equal(back.reads, 1)
    assert.equal(back.divergent.total, 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
