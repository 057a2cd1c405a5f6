// Divergent rows are found among the written keys without reading the table, and outside them by reading what is left.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Admin, Digest, RowSelection, RowStates } from '../contract/driver.ts'
import { ContentMaker } from '../lib/content.ts'
import { mix32 } from '../lib/random.ts'
import { findDivergence } from './divergence.ts'
import { readHeldRows } from './held-rows.ts'

const SEED = 7
const CONTENT = new ContentMaker([{ name: 'note', type: 'text', minBytes: 4, maxBytes: 9 }], SEED)
const DCS = ['a', 'b', 'c']
const ROWS = 5000

interface Row {
  readonly dot: number
  readonly version: number
  readonly content: Uint8Array
}
type Table = Map<number, Row>

const rowOf = (dot: number, content = CONTENT.expected(dot)): Row => ({ dot, version: dot * 16, content })

function tables(): Record<string, Table> {
  const loaded = () => new Map(Array.from({ length: ROWS }, (_, key): [number, Row] => [key, rowOf(key + 1)]))
  return Object.fromEntries(DCS.map((dc) => [dc, loaded()]))
}

function hashOf(key: number, { dot, version, content }: Row): bigint {
  let hash = mix32(key) ^ mix32(dot + 1) ^ mix32(version + 2)
  for (const byte of content) hash = mix32(hash + byte)
  return BigInt(hash >>> 0) * 2654435761n
}

/** A store of plain maps; `bucketReads` counts what it costs to read a bucket, which is to walk the table. */
function adminOf(stored: Readonly<Record<string, Table>>) {
  const counts = { bucketReads: 0 }
  const chosen = (dc: string, keys: Float64Array | undefined): [number, Row][] =>
    [...stored[dc]].filter(([key]) => keys === undefined || keys.includes(key))
  const digest = async (dc: string, { buckets, keys }: { buckets: number; keys?: Float64Array }): Promise<Digest> => {
    const sum = {
      counts: new Float64Array(buckets),
      sums: new BigUint64Array(buckets),
      xors: new BigUint64Array(buckets),
    }
    for (const [key, row] of chosen(dc, keys)) {
      sum.counts[key % buckets]++
      sum.sums[key % buckets] += hashOf(key, row)
      sum.xors[key % buckets] ^= hashOf(key, row)
    }
    return { startedUs: 0, endedUs: 0, ...sum }
  }
  async function* rows(dc: string, selection: RowSelection): AsyncGenerator<RowStates> {
    if (!('keys' in selection)) counts.bucketReads++
    const found =
      'keys' in selection
        ? chosen(dc, selection.keys)
        : [...stored[dc]].filter(([key]) => key % selection.buckets === selection.bucket)
    yield {
      count: found.length,
      keys: Float64Array.from(found, ([key]) => key),
      dots: Float64Array.from(found, ([, row]) => row.dot),
      versions: Float64Array.from(found, ([, row]) => row.version),
      contents: found.map(([, row]) => row.content),
    }
  }
  return { admin: { digest, rows } as unknown as Admin, counts }
}

async function divergentKeys(stored: Readonly<Record<string, Table>>, written: readonly number[]) {
  const { admin, counts } = adminOf(stored)
  const keys = Float64Array.from(written)
  const held = await Promise.all(DCS.map((dc) => readHeldRows(admin, dc, keys, CONTENT)))
  const { wholeTableEqual, rows } = await findDivergence(admin, DCS, keys, held, CONTENT)
  const found = []
  for await (const row of rows) found.push(row)
  return { wholeTableEqual, found, bucketReads: counts.bucketReads }
}

test('equal tables have no divergent rows and are not read', async () => {
  assert.deepEqual(await divergentKeys(tables(), [1, 2, 3]), { wholeTableEqual: true, found: [], bucketReads: 0 })
})

test('rows that differ among the written keys are named without reading the table', async () => {
  const stored = tables()
  stored['a'].set(10, rowOf(9000))
  stored['b'].set(1034, rowOf(9001))
  stored['c'].delete(20)
  const { wholeTableEqual, found, bucketReads } = await divergentKeys(stored, [10, 11, 20, 1034])
  assert.equal(wholeTableEqual, false)
  assert.deepEqual(
    found.map((row) => row.key),
    [10, 20, 1034],
  )
  assert.deepEqual(
    found[1].dcs.map(({ dc, dot, whole }) => [dc, dot, whole]),
    [
      ['a', 21, true],
      ['b', 21, true],
      ['c', 0, true],
    ],
  )
  assert.equal(bucketReads, 0)
})

test('a row that nobody wrote, in a bucket with written ones or apart, is found by reading its bucket', async () => {
  const stored = tables()
  stored['a'].set(10, rowOf(9000))
  stored['b'].set(1034, rowOf(9001))
  stored['c'].set(77, rowOf(78, new Uint8Array([1, 2])))
  const { found, bucketReads } = await divergentKeys(stored, [10, 11])
  assert.deepEqual(
    found.map((row) => row.key).toSorted((a, b) => a - b),
    [10, 77, 1034],
  )
  assert.equal(found.find((row) => row.key === 77)?.dcs[2].whole, false)
  assert.equal(bucketReads, 2 * DCS.length)
})

test('a written row whose contents alone differ is found too', async () => {
  const stored = tables()
  stored['a'].set(10, { ...rowOf(11), content: new Uint8Array([1]) })
  stored['b'].set(10, { ...rowOf(11), content: new Uint8Array([2]) })
  stored['c'].set(10, { ...rowOf(11), content: new Uint8Array([3]) })
  const { found } = await divergentKeys(stored, [10])
  assert.deepEqual(
    found.map((row) => row.key),
    [10],
  )
})
