// What became of writes as metrics: mixed and resurrected rows, unknown writes that happened, order of arrival, skewed clocks.
import type { Figure } from '../contract/analysis.ts'
import type { Reordered } from './arrival-order.ts'
import { CERTAINTY, EXACT, type Counts } from './conflicts.ts'
import { isExact } from './conflict-exact.ts'
import type { KeySpace } from './key-space.ts'
import { linkIndex } from './link-index.ts'
import type { RunData } from './load.ts'
import type { MetricList } from './metric-list.ts'
import type { UnknownWrites } from './unknown-writes.ts'

/** Adds them by DC, or by link, and over all. */
export function addFates(list: MetricList, run: RunData, keySpace: KeySpace, reordered: readonly Reordered[]): void {
  addRows(list, run, keySpace)
  addUnknown(list, run, keySpace.fates.unknownWrites)
  addReordered(list, run, reordered)
  addBeaten(list, run, keySpace)
}

/** Over the keys that were written; null where some DC's final rows are not known. */
function addRows(list: MetricList, run: RunData, { fates, lostWrites }: KeySpace): void {
  const known = lostWrites !== null
  const add = (metric: string, all: number | undefined, byDc: readonly number[] | undefined) => {
    list.add(metric, 'rows', { value: all ?? null }, { phase: 'run' })
    for (const [d, dc] of run.dcs.entries())
      list.add(metric, 'rows', { value: byDc?.[d] ?? null }, { peer: dc, phase: 'run' })
  }
  const mixed = known ? fates.mixedRows : undefined
  add('mixed_rows', mixed?.keys, mixed?.heldBy)
  add('resurrected_rows', lostWrites?.resurrected, lostWrites?.resurrectedIn)
}

function addUnknown(list: MetricList, run: RunData, byDc: readonly UnknownWrites[]): void {
  const figure = (counts: readonly UnknownWrites[]): Figure => {
    const sum = (name: keyof UnknownWrites) => counts.reduce((total, one) => total + one[name], 0)
    return { value: sum('present'), low: sum('present'), high: sum('possible'), n: sum('asked') }
  }
  list.add('unknown_present', 'rows', figure(byDc), { phase: 'run' })
  for (const [d, dc] of run.dcs.entries()) list.add('unknown_present', 'rows', figure([byDc[d]]), { dc, phase: 'run' })
}

function addReordered(list: MetricList, run: RunData, links: readonly Reordered[]): void {
  const figure = (some: readonly Reordered[]): Partial<Figure> => {
    const sum = (name: keyof Reordered) => some.reduce((total, one) => total + one[name], 0)
    const n = sum('compared')
    return n === 0 ? { n } : { value: sum('surely'), low: sum('surely'), high: sum('possibly'), n }
  }
  list.add('reordered', 'rows', figure(links), { phase: 'run' })
  for (const [d, dc] of run.dcs.entries()) {
    for (const [e, peer] of run.dcs.entries()) {
      if (d === e) continue
      list.add('reordered', 'rows', figure([links[linkIndex(run.dcs.length, d, e)]]), { dc, peer, phase: 'run' })
    }
  }
}

/** n/a in systems that compare nothing or merge: no version beats another there. */
function addBeaten(list: MetricList, run: RunData, { fates, conflicts, exactness, sources }: KeySpace): void {
  const kind = run.stored.system.capabilities.conflicts
  const compares = kind !== 'diverges' && kind !== 'merge'
  const figure = ([sure, middle, possible, exact]: Counts, n: number): Partial<Figure> => {
    if (!compares) return { n }
    const high = Math.max(possible, sure)
    const value = isExact(exactness) ? exact : sources.none > 0 ? null : Math.min(high, Math.max(sure, middle))
    return { value, low: sure, high, n }
  }
  const all: Counts = [0, 0, 0, 0]
  for (const counts of fates.beatenByEarlier) for (const c of [...Object.values(CERTAINTY), EXACT]) all[c] += counts[c]
  const stored = conflicts.byDc.reduce((sum, dc) => sum + dc.stored, 0)
  list.add('beaten_by_earlier', 'rows', figure(all, stored))
  for (const [d, dc] of run.dcs.entries()) {
    list.add('beaten_by_earlier', 'rows', figure(fates.beatenByEarlier[d], conflicts.byDc[d].stored), { dc })
  }
}

/**
 * Of the links (as in `linkIndex`) of a system that declares to keep the order, where a later write was seen while an earlier
 * one was still missing: the earlier one came late, or it never came, which is no matter of order.
 */
export function orderWarnings(
  run: RunData,
  reordered: readonly Reordered[],
  contradicted: readonly number[],
): string[] {
  return contradicted.map((link) => {
    const [from, to] = endsOf(run, link)
    return reordered[link].surely > 0
      ? `Rows from ${from} reached ${to} out of the order in which they were acknowledged, which the system declares to keep.`
      : `Some rows from ${from} never showed in ${to} though later ones did: they are lost, or came late and newer rows hid them. Conflicts are not bounded by the order of arrival there.`
  })
}

/** Of the links on which a write was seen sooner than they carry anything: their delay proves nothing then. */
export function tooSoonWarnings(run: RunData, links: readonly number[]): string[] {
  return links.map((link) => {
    const [from, to] = endsOf(run, link)
    return `A write from ${from} was seen in ${to} sooner after its send than the links carry anything: it did not take them, or they were not what was asked for. Conflicts are not bounded by their delay there.`
  })
}

/** Where the store does not go by the versions: what figures that ask which of two writes stood are worth then. */
export function ownOrderWarnings(run: RunData): string[] {
  const own = run.stored.system.store?.ownOrder
  if (own === undefined) return []
  return [
    `Versions do not decide which of two writes stands: ${own}. Discarded and lost updates and writes beaten by earlier ones are told from the versions all the same, and are off where the two differ; a probe that a write with a lower version hid stays without an answer. Lost writes are only those under which a DC shows one that had been acknowledged before they were sent.`,
  ]
}

const endsOf = (run: RunData, link: number): readonly [from: string, to: string] => [
  run.dcs[Math.floor(link / run.dcs.length)],
  run.dcs[link % run.dcs.length],
]
