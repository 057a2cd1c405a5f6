// Where a driver's sessions did not answer as the contract asks of them: what is then unknown is the driver's doing and not the store's.
import { REJECTED, UNANSWERED } from '../contract/outcome.ts'
import type { RunData } from './load.ts'

/** Sentences on the batches of all phases that had no answer in time, or none at all. */
export function answerNotes({ stored }: Pick<RunData, 'stored'>): string[] {
  const counts = new Map<string, number>()
  for (const { errors } of stored.workers) {
    for (const [word, count] of Object.entries(errors)) counts.set(word, (counts.get(word) ?? 0) + count)
  }
  const unanswered = counts.get(UNANSWERED) ?? 0
  const rejected = [...counts].filter(([word]) => word.startsWith(REJECTED))
  const { driver } = stored.system
  const notes: string[] = []
  if (unanswered > 0) {
    notes.push(
      `The driver ${driver} left ${unanswered} batches without an answer, though a write must be answered within --timeout, be it as unknown: they count as unknown, which is the driver’s doing.`,
    )
  }
  if (rejected.length > 0) {
    const [[word]] = rejected
    const sum = rejected.reduce((total, [, count]) => total + count, 0)
    notes.push(
      `The driver ${driver} rejected ${sum} batches instead of saying what became of them (${word.slice(REJECTED.length)}): they count as unknown, which is the driver’s doing.`,
    )
  }
  return notes
}
