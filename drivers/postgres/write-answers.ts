// What the statements of local writes return, as the harness wants to hear it.
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'
import type { RowBatch } from '../../bench/contract/table.ts'

/** From key and version of the rows whose version was raised. */
export function raisedResult(batch: RowBatch, raised: readonly (readonly string[])[]): WriteResult {
  if (raised.length === 0) return { outcome: OUTCOME.ok }
  const versionOf = new Map(raised.map(([key, version]) => [Number(key), Number(version)]))
  const storedVersions = new Float64Array(batch.count)
  for (let row = 0; row < batch.count; row++) storedVersions[row] = versionOf.get(batch.keys[row]) ?? 0
  return { outcome: OUTCOME.ok, storedVersions }
}

/** From one text a column of what was found, rows between commas: version, replaced dot, then the vector DC by DC. */
export function foundResult(batch: RowBatch, texts: readonly string[]): WriteResult {
  const [versions, dots, ...vector] = texts.map((text) => text.split(','))
  const { count } = batch
  const overwrote = new Float64Array(count)
  const seen = new Float64Array(count * vector.length)
  const storedVersions = new Float64Array(count)
  let raised = false
  for (let row = 0; row < count; row++) {
    const version = Number(versions[row])
    if (version !== batch.versions[row]) {
      storedVersions[row] = version
      raised = true
    }
    overwrote[row] = Number(dots[row])
    for (let dc = 0; dc < vector.length; dc++) seen[row * vector.length + dc] = Number(vector[dc][row])
  }
  return { outcome: OUTCOME.ok, ...(raised ? { storedVersions } : {}), overwrote, seen }
}

/** From the fields of one row: its version now and, where causality is exact, what it found. */
export function rowResult(batch: RowBatch, fields: readonly string[]): WriteResult {
  if (fields.length > 1) return foundResult(batch, fields)
  const version = Number(fields[0])
  if (version === batch.versions[0]) return { outcome: OUTCOME.ok }
  return { outcome: OUTCOME.ok, storedVersions: Float64Array.of(version) }
}

/** Of copied rows, none of which was there before. */
export function copiedResult(batch: RowBatch, vectorDcs: number): WriteResult {
  if (vectorDcs === 0) return { outcome: OUTCOME.ok }
  const { count } = batch
  return { outcome: OUTCOME.ok, overwrote: new Float64Array(count), seen: new Float64Array(count * vectorDcs) }
}
