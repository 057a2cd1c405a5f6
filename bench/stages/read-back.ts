// Reads every touched row back from every DC at the end of a run: what the analysis judges losses and divergence by.
import { join } from 'node:path'
import type { Admin, RowStates } from '../contract/driver.ts'
import { finalFile, type DivergentRow } from '../contract/run-folder.ts'
import type { ContentMaker } from '../lib/content.ts'
import { FINAL, FINAL_STATE } from '../lib/ledger-format.ts'
import { ColumnWriter } from '../measure/column-writer.ts'
import { differingBuckets } from './converge.ts'

const KEYS_PER_READ = 20_000
const WHOLE_TABLE_BUCKETS = 1024
const DIVERGENT_ROWS_KEPT = 10_000

interface Held {
  readonly dots: Float64Array
  readonly versions: Float64Array
  readonly states: Uint8Array
}

function wholeOrMixed(content: ContentMaker, rows: RowStates, i: number): number {
  return Buffer.compare(content.expected(rows.dots[i]), rows.contents[i]) === 0 ? FINAL_STATE.whole : FINAL_STATE.mixed
}

/** What one DC holds of `keys` (ascending), by position. */
async function readKeys(admin: Admin, dc: string, keys: Float64Array, content: ContentMaker): Promise<Held> {
  const held: Held = {
    dots: new Float64Array(keys.length),
    versions: new Float64Array(keys.length),
    states: new Uint8Array(keys.length).fill(FINAL_STATE.absent),
  }
  for (let from = 0; from < keys.length; from += KEYS_PER_READ) {
    const part = keys.subarray(from, from + KEYS_PER_READ)
    const place = new Map<number, number>()
    part.forEach((key, i) => place.set(key, from + i))
    for await (const rows of admin.rows(dc, { keys: part })) {
      for (let i = 0; i < rows.count; i++) {
        const at = place.get(rows.keys[i])
        if (at === undefined) continue
        held.dots[at] = rows.dots[i]
        held.versions[at] = rows.versions[i]
        held.states[at] = wholeOrMixed(content, rows, i)
      }
    }
  }
  return held
}

function store(folder: string, dc: string, keys: Float64Array, held: Held): void {
  const writer = new ColumnWriter(FINAL, join(folder, finalFile(dc)))
  for (let i = 0; i < keys.length; i++) {
    const at = writer.next()
    writer.block.key[at] = keys[i]
    writer.block.dot[at] = held.dots[i]
    writer.block.version[at] = held.versions[i]
    writer.block.state[at] = held.states[i]
  }
  writer.close()
}

/** Rows of the given buckets that are not the same in all DCs. */
async function* divergentIn(
  admin: Admin,
  dcs: readonly string[],
  buckets: readonly number[],
  content: ContentMaker,
): AsyncGenerator<DivergentRow> {
  for (const bucket of buckets) {
    const tables = await Promise.all(
      dcs.map(async (dc) => {
        const table = new Map<number, { dot: number; version: number; whole: boolean; content: Uint8Array }>()
        for await (const rows of admin.rows(dc, { bucket, buckets: WHOLE_TABLE_BUCKETS })) {
          for (let i = 0; i < rows.count; i++) {
            table.set(rows.keys[i], {
              dot: rows.dots[i],
              version: rows.versions[i],
              whole: wholeOrMixed(content, rows, i) === FINAL_STATE.whole,
              content: rows.contents[i],
            })
          }
        }
        return table
      }),
    )
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

export interface ReadBack {
  readonly wholeTableEqual: boolean
  readonly divergent: { readonly total: number; readonly rows: readonly DivergentRow[] }
}

/** Stores the final rows of the touched keys, compares the whole tables, and names the rows that differ. */
export async function readBack(
  admin: Admin,
  dcs: readonly string[],
  keys: Float64Array,
  content: ContentMaker,
  ledgerFolder: string,
): Promise<ReadBack> {
  await Promise.all(dcs.map(async (dc) => store(ledgerFolder, dc, keys, await readKeys(admin, dc, keys, content))))
  const differing = await differingBuckets(admin, dcs, WHOLE_TABLE_BUCKETS)
  const rows: DivergentRow[] = []
  let total = 0
  for await (const row of divergentIn(admin, dcs, differing, content)) {
    total++
    if (rows.length < DIVERGENT_ROWS_KEPT) rows.push(row)
  }
  return { wholeTableEqual: differing.length === 0, divergent: { total, rows } }
}
