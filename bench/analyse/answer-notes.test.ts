// What the notes of a run say of batches that had no answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerNotes } from './answer-notes.ts'

function notesFor(...errors: readonly Readonly<Record<string, number>>[]): string[] {
  const stored = { system: { driver: 'mine' }, workers: errors.map((each) => ({ errors: each })) }
  return answerNotes({ stored } as unknown as Parameters<typeof answerNotes>[0])
}

test('what a store refuses or says is unknown is no word on its driver', () => {
  assert.deepEqual(notesFor({ timeout: 7, sqlstate_40001: 2 }, {}), [])
})

test('batches without an answer, and rejected ones, are counted over all threads and phases', () => {
  const [unanswered, rejected, ...others] = notesFor(
    { unanswered: 3, timeout: 9 },
    { 'driver: Error: shut': 2 },
    { unanswered: 4, 'driver: Error: odd': 1 },
  )
  assert.match(unanswered, /^The driver mine left 7 batches without an answer, .* they count as unknown/)
  assert.match(rejected, /^The driver mine rejected 3 batches .* \(Error: shut\): they count as unknown/)
  assert.deepEqual(others, [])
})
