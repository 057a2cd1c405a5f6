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
}

/** Whether the content of row `i` is what its dot wrote. */
export function wholeOrMixed(content: ContentMaker, rows: RowStates, i: number): number {
  return Buffer.compare(content.expected(rows.dots[i]), rows.contents[i]) === 0 ? FINAL_STATE.whole : FINAL_STATE.mixed
}

/** What one DC holds of `keys` (ascending), by position. */
export async function readHeldRows(
  admin: Admin,
  dc: string,
  keys: Float64Array,
  content: ContentMaker,
): Promise<HeldRows> {
  const held = {
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
