// A log entry cut where its rows become visible at different times, each row with a delay of its own.
import type { EntryPart, LogEntry } from './engine.ts'
import { PackedRows, packRecords } from './packed-rows.ts'

interface DelayedPart {
  readonly part: EntryPart
  readonly delayMs: number
}

/** The rows keep their order: none becomes visible before an earlier one. Rows with one delay stay together. Throws MalformedFrame. */
export function* partsOf(
  entry: LogEntry,
  vectorDcs: number,
  delayMsOf: (dot: number) => number,
): Generator<DelayedPart> {
  const rows = PackedRows.parse(entry.payload, vectorDcs)
  let from = 0
  let delayMs = rows.count === 0 ? 0 : delayMsOf(rows.dot(0))
  for (let i = 1; i < rows.count; i++) {
    const next = Math.max(delayMs, delayMsOf(rows.dot(i)))
    if (next === delayMs) continue
    yield { part: { position: entry.position, payload: rowsBetween(rows, from, i), unfinished: true }, delayMs }
    from = i
    delayMs = next
  }
  const payload = from === 0 ? entry.payload : rowsBetween(rows, from, rows.count)
  yield { part: { position: entry.position, payload }, delayMs }
}

function rowsBetween(rows: PackedRows, from: number, to: number): Buffer {
  const places = Array.from({ length: to - from }, (_, i) => from + i)
  return packRecords(
    places.map((row) => rows.key(row)),
    places.map((row) => rows.record(row)),
  )
}
