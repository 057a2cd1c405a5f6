// Reads every touched row back from every DC at the end of a run: what the analysis judges losses and divergence by.
import { join } from 'node:path'
import type { Admin } from '../contract/driver.ts'
import { countsFile, finalFile, type DivergentRow } from '../contract/run-folder.ts'
import { delay } from '../lib/clock.ts'
import type { ContentMaker } from '../lib/content.ts'
import { COUNTS, FINAL } from '../lib/ledger-format.ts'
import { ColumnWriter } from '../measure/column-writer.ts'
import { findDivergence } from './divergence.ts'
import { readHeldRows, type HeldRows } from './held-rows.ts'

const DIVERGENT_ROWS_KEPT = 10_000
/** What still changes while it is read is read again, so often at most and after this time. */
const READS_MAX = 5
const AGAIN_AFTER_MS = 1000

function store(folder: string, dc: string, keys: Float64Array, held: HeldRows): void {
  const writer = new ColumnWriter(FINAL, join(folder, finalFile(dc)))
  for (let i = 0; i < keys.length; i++) {
    const at = writer.next()
    writer.block.key[at] = keys[i]
    writer.block.dot[at] = held.dots[i]
    writer.block.version[at] = held.versions[i]
    writer.block.state[at] = held.states[i]
  }
  writer.close()
  if (held.counts === undefined) return
  const counts = new ColumnWriter(COUNTS, join(folder, countsFile(dc)))
  for (let i = 0; i < keys.length; i++) {
    if (Number.isNaN(held.counts[i])) continue
    const at = counts.next()
    counts.block.key[at] = keys[i]
    counts.block.value[at] = held.counts[i]
  }
  counts.close()
}

export interface ReadBack {
  readonly wholeTableEqual: boolean
  readonly divergent: { readonly total: number; readonly rows: readonly DivergentRow[] }
  /** How often all was read until it stood still. */
  readonly reads: number
}

interface Once extends Omit<ReadBack, 'reads'> {
  readonly held: readonly HeldRows[]
  readonly heldEqual: boolean
}

/**
 * Stores the final rows of the touched keys, compares the whole tables, and names the rows that differ. A write whose outcome nobody
 * learned may happen meanwhile: where DCs that were equal no longer are, or two comparisons contradict one another, all is read again.
 */
export async function readBack(
  admin: Admin,
  dcs: readonly string[],
  keys: Float64Array,
  content: ContentMaker,
  ledgerFolder: string,
  wereEqual = false,
): Promise<ReadBack> {
  for (let reads = 1; ; reads++) {
    const { held, heldEqual, wholeTableEqual, divergent } = await readOnce(admin, dcs, keys, content)
    const areEqual = wholeTableEqual && heldEqual
    const isExplained = !wholeTableEqual && divergent.total > 0
    if (areEqual || (isExplained && !wereEqual) || reads === READS_MAX) {
      held.forEach((rows, d) => store(ledgerFolder, dcs[d], keys, rows))
      return { wholeTableEqual, divergent, reads }
    }
    await delay(AGAIN_AFTER_MS)
  }
}

async function readOnce(
  admin: Admin,
  dcs: readonly string[],
  keys: Float64Array,
  content: ContentMaker,
): Promise<Once> {
  const held = await Promise.all(dcs.map((dc) => readHeldRows(admin, dc, keys, content)))
  const { wholeTableEqual, heldEqual, rows: differing } = await findDivergence(admin, dcs, keys, held, content)
  const rows: DivergentRow[] = []
  let total = 0
  for await (const row of differing) {
    total++
    if (rows.length < DIVERGENT_ROWS_KEPT) rows.push(row)
  }
  return { held, wholeTableEqual, heldEqual, divergent: { total, rows } }
}
