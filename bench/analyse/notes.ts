// Plain sentences on how a run's figures were found where that is not the usual way.
import type { ConflictBasis } from '../contract/analysis.ts'
import { answerNotes } from './answer-notes.ts'
import { containerNotes } from './container-notes.ts'
import { exactNotes } from './conflict-exact.ts'
import { counterNotes } from './counter-figures.ts'
import type { KeySpace } from './key-space.ts'
import type { RunData } from './load.ts'

/** `bounds` is how the bounds of conflicts were found; `declined` rows were never sent, since their turn had not come. */
export function notesOn(run: RunData, keySpace: KeySpace, bounds: ConflictBasis, declined: number): string[] {
  return [
    ...exactNotes(keySpace.exactness, bounds),
    ...conflictNotes(run, keySpace, bounds),
    ...counterNotes(keySpace),
    ...reportedNotes(run, declined),
    ...warmUpNotes(run),
    ...linkNotes(run),
    ...containerNotes(run.stored),
    ...answerNotes(run),
  ]
}

/** Where a link is not quite what was asked for. */
function linkNotes({ stored: { scenario } }: RunData): string[] {
  const limited = scenario.topology.links.some(({ bandwidthBytesPerSecond }) => bandwidthBytesPerSecond !== undefined)
  return scenario.deployment === 'docker' && limited
    ? ['Between containers a bandwidth limits each connection through a link by itself, not all of them together.']
    : []
}

const STRETCH_TEXT = { calibrate: 'in a closed loop, before its calibration', warmup: 'at the rate' } as const

/** How long a run warmed up and what that came to. */
function warmUpNotes({ stored: { warmUp = [], scenario } }: RunData): string[] {
  return warmUp.map(({ phase, steady, windows }) => {
    const seconds = windows.reduce((sum, window) => sum + window.seconds, 0).toFixed(0)
    const how = phase === 'warmup' && scenario.rowsPerSecond === null ? 'in a closed loop' : STRETCH_TEXT[phase]
    return `It warmed up for ${seconds} s ${how}: ${steady ? 'until it was steady' : 'its time was over before it was steady'}.`
  })
}

/** Why the figures are not for publishing, each as what follows a colon. */
export function notForPublishing({ stored: { scenario, system } }: RunData): string[] {
  const store = system.store?.notForPublishing
  return [
    ...(scenario.quick ? ['a quick run warms up and measures briefly (--quick)'] : []),
    ...(store === undefined ? [] : [store]),
  ]
}

function conflictNotes(run: RunData, keySpace: KeySpace, basis: ConflictBasis): string[] {
  const { sources } = keySpace
  const { capabilities } = run.stored.system
  const notes: string[] = []
  const unseen = sources.order + sources.second + sources.neighbours + sources.phase + sources.none
  if (basis === 'estimated') {
    notes.push(
      `Conflicts are estimated: of the writes to keys that several DCs wrote, ${unseen} × link had no clean probe of their own; ${sources.order} of them are bounded by the order of arrival, ${sources.second} by the lags of their link and second, ${sources.neighbours} by those of the seconds around, ${sources.phase} by those of the whole phase.`,
    )
  }
  if (basis === 'ordered') {
    notes.push(
      `Conflict bounds of ${unseen} writes × link without a clean probe of their own come from the order of arrival, which the system declares and no probe contradicted.`,
    )
  }
  if (basis === 'unknown')
    notes.push('Nothing shows when writes became visible in the other DCs, so that conflicts are n/a.')
  if (capabilities.conflicts === 'merge')
    notes.push('Concurrent writes are merged: none is discarded, and lost updates are n/a.')
  if (capabilities.acknowledges !== 'local' || capabilities.conflicts === 'none') {
    notes.push('The prediction is for writers that do not wait for other DCs: n/a here.')
  }
  if (run.stored.scenario.rowsPerSecond === null) {
    notes.push('Closed loop: throughput only. Response times have no schedule to count from, and the lag has no limit.')
  }
  return notes
}

/** The store's own counter in its own words, and why it is not 0 where no two writes were concurrent. */
function reportedNotes(run: RunData, declined: number): string[] {
  const reported = run.stored.counters?.conflictsReported
  const own = reported == null ? [] : [`The store’s own conflict counter: ${reported.meaning}`]
  if (run.stored.scenario.takesTurns !== true) return own
  const turns = `The DCs take turns on every key, so that no two writes are concurrent; ${declined} rows were declined, since the row of the DC before had not come.`
  const beside =
    reported == null || reported.count === 0
      ? []
      : [
          `The store’s own counter says ${reported.count} all the same: it does not count concurrent writes, but what stands above.`,
        ]
  return [...own, turns, ...beside]
}
