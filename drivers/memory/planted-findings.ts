// What each planted fault is, and which measure must find it.
import type { PlantedFault } from '../../bench/contract/store-words.ts'

type What = Pick<PlantedFault, 'name' | 'meaning' | 'metric'>

export type Finding =
  | 'lose'
  | 'lose_everywhere'
  | 'lose_at_crash'
  | 'duplicate'
  | 'reorder'
  | 'swap'
  | 'mix'
  | 'resurrect'
  | 'unknown'
  | 'unknown_present'

/** Phases are named where the metric does not cover the whole run, which the hits always do. */
export const FINDINGS: Readonly<Record<Finding, What>> = {
  lose: {
    name: 'lose',
    meaning: 'Writes acknowledged and kept, but never shipped. Standing: keys whose newest write is one.',
    metric: 'lost_writes',
  },
  lose_everywhere: {
    name: 'lose_everywhere',
    meaning: 'Writes acknowledged and stored nowhere. Standing: keys whose newest write is one.',
    metric: 'lost_writes_everywhere',
  },
  lose_at_crash: {
    name: 'lose_at_crash',
    meaning:
      'Writes acknowledged and kept in memory only. Standing: keys whose newest write a crash took; a newer unknown write at the crash keeps the measure from judging its key.',
    metric: 'lost_writes',
  },
  duplicate: {
    name: 'duplicate',
    meaning: 'Rows from another DC put a second time. Standing: keys where that put back an older row.',
    metric: 'divergent_rows',
  },
  reorder: {
    name: 'reorder',
    meaning:
      'Rows from another DC held back. Standing: those that a later batch of their DC overtook. The metric sees those whose probe is clean, and knows their number in bounds.',
    metric: 'reordered',
  },
  swap: {
    name: 'swap',
    meaning: 'Rows from another DC that took the place of a newer local row. Standing: keys that were left so.',
    metric: 'divergent_rows',
  },
  mix: {
    name: 'mix',
    meaning: 'Rows from another DC that kept columns of the local row they replaced. Standing: keys that were left so.',
    metric: 'mixed_rows',
  },
  resurrect: {
    name: 'resurrect',
    meaning: 'Deletes from another DC whose row was put back. Standing: keys that were left so.',
    metric: 'resurrected_rows',
  },
  unknown: {
    name: 'unknown',
    meaning: 'Writes without an acknowledgement. Standing: those of the measured phase.',
    metric: 'unknown',
  },
  unknown_present: {
    name: 'unknown',
    meaning: 'Writes without an acknowledgement that were stored. Standing: all of them, which the metric bounds.',
    metric: 'unknown_present',
  },
}
