// Which rows are not the same in all DCs: first those among the keys that were written, and, only where these do not explain
// every difference between the whole tables, the rows of the buckets that are left.
import type { Admin, Digest } from '../contract/driver.ts'
import type { DivergentRow } from '../contract/run-folder.ts'
import type { ContentMaker } from '../lib/content.ts'
import { FINAL_STATE } from '../lib/ledger-format.ts'
import { differingBuckets, digestsOf } from './digests.ts'
import { stateOf, type HeldRows } from './held-rows.ts'

const WHOLE_TABLE_BUCKETS = 1024

interface Divergence {
  readonly wholeTableEqual: boolean
  /** Every DC holds the same of the written keys. */
  readonly heldEqual: boolean
  /** Ends soon where the written keys explain everything; else reads every bucket left from every DC. */
  readonly rows: AsyncIterable<DivergentRow>
}

/** What is left of a digest without the rows of another: sums and counts are subtracted, exclusive ors undone. */
function without(whole: Digest, part: Digest): Digest {
  return {
    ...whole,
    counts: whole.counts.map((count, i) => count - part.counts[i]),
    sums: whole.sums.map((sum, i) => sum - part.sums[i]),
    xors: whole.xors.map((xor, i) => xor ^ part.xors[i]),
  }
}

/** The places of `held` at which the DCs do not hold the same. */
function differingPlaces([first, ...rest]: readonly HeldRows[]): number[] {
  const places: number[] = []
  for (let i = 0; i < first.dots.length; i++) {
    const same = (other: HeldRows) =>
      other.dots[i] === first.dots[i] &&
      other.versions[i] === first.versions[i] &&
      other.states[i] === first.states[i] &&
      Object.is(other.counts?.[i], first.counts?.[i])
    if (!rest.every(same)) places.push(i)
  }
  return places
}

/** `held` is what each DC holds of the written `keys`, by position. */
export async function findDivergence(
  admin: Admin,
  dcs: readonly string[],
  keys: Float64Array,
  held: readonly HeldRows[],
  content: ContentMaker,
): Promise<Divergence> {
  const whole = await digestsOf(admin, dcs, { buckets: WHOLE_TABLE_BUCKETS })
  const places = differingPlaces(held)
  const heldEqual = places.length === 0
  if (differingBuckets(whole).length === 0) return { wholeTableEqual: true, heldEqual, rows: none() }
  const found = Float64Array.from(places, (place) => keys[place])
  const parts =
    found.length === 0 ? undefined : await digestsOf(admin, dcs, { buckets: WHOLE_TABLE_BUCKETS, keys: found })
  const left = differingBuckets(parts === undefined ? whole : whole.map((digest, d) => without(digest, parts[d])))
  async function* rows(): AsyncGenerator<DivergentRow> {
    for (const place of places) {
      yield {
        key: keys[place],
        dcs: held.map(({ dots, versions, states }, d) => ({
          dc: dcs[d],
          dot: dots[place],
          version: versions[place],
          whole: states[place] !== FINAL_STATE.mixed,
        })),
      }
    }
    const known = new Set(found)
    for await (const row of divergentIn(admin, dcs, left, content)) if (!known.has(row.key)) yield row
  }
  return { wholeTableEqual: false, heldEqual, rows: rows() }
}

async function* none(): AsyncGenerator<DivergentRow> {}

/** Rows of the given buckets that are not the same in all DCs: reads each bucket from each DC. */
async function* divergentIn(
  admin: Admin,
  dcs: readonly string[],
  buckets: readonly number[],
  content: ContentMaker,
): AsyncGenerator<DivergentRow> {
  for (const bucket of buckets) {
    const tables = await Promise.all(dcs.map((dc) => bucketOf(admin, dc, bucket, content)))
    const keys = new Set(tables.flatMap((table) => [...table.keys()]))
    for (const key of [...keys].toSorted((a, b) => a - b)) {
      const rows = tables.map((table) => table.get(key))
      const [first] = rows
      const same = rows.every(
        (row) =>
          row?.dot === first?.dot &&
          row?.version === first?.version &&
          (row === undefined || Buffer.compare(row.content, first?.content ?? new Uint8Array()) === 0),
      )
      if (same) continue
      yield {
        key,
        dcs: rows.map((row, i) => ({
          dc: dcs[i],
          dot: row?.dot ?? 0,
          version: row?.version ?? 0,
          whole: row?.whole ?? true,
        })),
      }
    }
  }
}

async function bucketOf(admin: Admin, dc: string, bucket: number, content: ContentMaker) {
  const table = new Map<number, { dot: number; version: number; whole: boolean; content: Uint8Array }>()
  for await (const rows of admin.rows(dc, { bucket, buckets: WHOLE_TABLE_BUCKETS })) {
    for (let i = 0; i < rows.count; i++) {
      table.set(rows.keys[i], {
        dot: rows.dots[i],
        version: rows.versions[i],
        whole: stateOf(content, rows, i) !== FINAL_STATE.mixed,
        content: rows.contents[i],
      })
    }
  }
  return table
}
