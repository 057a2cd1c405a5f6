// Convergence time as a bracket of digest snapshots, and the classes of the rows that never became equal.
import { OPERATION } from '../contract/table.ts'
import { RUN_FILES, type DivergentRow, type RunFacts } from '../contract/run-folder.ts'
import type { KeySpace } from './key-space.ts'
import type { RunData } from './load.ts'
import { createTextFile } from './write-csv.ts'

/** Seconds from the last outcome of a write to equal digests that stay equal; nulls when that was not reached. */
export interface Convergence {
  readonly seconds: number | null
  readonly lowSeconds: number | null
  readonly checks: number
}

/**
 * Equal at the latest when the snapshots of the first equal check after which none was unequal had been taken; not before
 * those of the last unequal one were begun.
 */
export function convergenceOf(facts: RunFacts['convergence']): Convergence {
  const { checks, lastOutcomeUs } = facts
  let first = checks.length
  while (first > 0 && checks[first - 1].equal) first--
  if (first === checks.length) return { seconds: null, lowSeconds: null, checks: checks.length }
  const ended = Math.max(...checks[first].dcs.map((dc) => dc.endedUs))
  const started = first === 0 ? lastOutcomeUs : Math.min(...checks[first - 1].dcs.map((dc) => dc.startedUs))
  return {
    seconds: Math.max(0, ended - lastOutcomeUs) / 1e6,
    lowSeconds: Math.max(0, started - lastOutcomeUs) / 1e6,
    checks: checks.length,
  }
}

type DivergenceClass = 'latest' | 'missing' | 'stale' | 'mixed' | 'resurrected' | 'twin'

/**
 * What is wrong with one DC's copy beside the newest copy of the row: `missing` (no such row), `stale` (an older write),
 * `resurrected` (an older write where the newest deleted the row), `mixed` (content that no write made), `twin` (the
 * same version of another write); `latest` is the newest itself.
 */
export function classifyCopy(
  copy: DivergentRow['dcs'][number],
  newest: DivergentRow['dcs'][number],
  newestDeletes: boolean,
): DivergenceClass {
  if (copy.dot === 0) return newest.dot === 0 || newestDeletes ? 'latest' : 'missing'
  if (!copy.whole) return 'mixed'
  if (copy.version < newest.version) return newestDeletes ? 'resurrected' : 'stale'
  return copy.dot === newest.dot ? 'latest' : 'twin'
}

export const DIVERGENCE_COLUMNS = [
  'key',
  'dc',
  'class',
  'dot',
  'version',
  'newest_dot',
  'newest_version',
  'total_rows',
] as const

/** Writes divergence.csv: one line a DC of every divergent row that the run kept. */
export function writeDivergence(
  run: RunData,
  { latestOperation, mixedCopies }: Pick<KeySpace, 'latestOperation' | 'mixedCopies'>,
): void {
  const { total, rows } = run.stored.divergent
  using csv = createTextFile(run.folder, RUN_FILES.divergence)
  csv.write(`${DIVERGENCE_COLUMNS.join(',')}\n`)
  for (const row of [...rows].sort((a, b) => a.key - b.key)) {
    const newest = row.dcs.reduce((best, copy) => (copy.version > best.version ? copy : best))
    const deletes = latestOperation.get(row.key) === OPERATION.delete
    for (const copy of row.dcs) {
      const whole = copy.whole && mixedCopies.get(row.key)?.includes(run.dcs.indexOf(copy.dc)) !== true
      const what = classifyCopy({ ...copy, whole }, newest, deletes)
      csv.write(`${row.key},${copy.dc},${what},${copy.dot},${copy.version},${newest.dot},${newest.version},${total}\n`)
    }
  }
  csv.finish()
}
