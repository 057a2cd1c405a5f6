// What a DC holds of given keys at the end of a run, by position.
import type { Admin, RowStates } from '../contract/driver.ts'
import type { ContentMaker } from '../lib/content.ts'
import { FINAL_STATE } from '../lib/ledger-format.ts'

const KEYS_PER_READ = 20_000

export interface HeldRows {
  readonly dots: Float64Array
  readonly versions: Float64Array
  /** Of FINAL_STATE. */
  readonly states: Uint8Array
  /** The sum of the row's counters, NaN where it has no content; absent in tables without a counter. */
  readonly counts?: Float64Array
}

/** Of FINAL_STATE: a tombstone has no content; else the content is what the row's dot wrote, counters aside, or it is not. */
export function stateOf(content: ContentMaker, rows: RowStates, i: number): number {
  if (rows.contents[i].length === 0) return FINAL_STATE.deleted
  return content.matches(rows.dots[i], rows.contents[i]) ? FINAL_STATE.whole : FINAL_STATE.mixed
}

/** What one DC holds of `keys` (ascending), by position. */
export async function readHeldRows(
  admin: Admin,
  dc: string,
  keys: Float64Array,
  content: ContentMaker,
): Promise<HeldRows> {
  const held: HeldRows = {
    dots: new Float64Array(keys.length),
    versions: new Float64Array(keys.length),
    states: new Uint8Array(keys.length).fill(FINAL_STATE.absent),
    ...(content.counters.length === 0 ? {} : { counts: new Float64Array(keys.length).fill(Number.NaN) }),
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
        held.states[at] = stateOf(content, rows, i)
        if (held.counts !== undefined && rows.contents[i].length > 0)
          held.counts[at] = content.counted(rows.contents[i])
      }
    }
  }
  return held
}
