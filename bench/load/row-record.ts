// How the rows of a batch stand in the ledger: when they are sent, when they are settled, and when they are not sent at all.
import { OUTCOME, type Outcome, type WriteResult } from '../contract/outcome.ts'
import { logicalBytes, type RowBatch } from '../contract/table.ts'
import { WRITE_FLAG, type WritesBlock } from '../lib/ledger-format.ts'
import type { BatchBuffers } from './batch.ts'

/** Where row writes are recorded; bench/measure's ledger is one. */
export interface Recorder {
  reserve(count: number): RecordedRows
  settle(rows: RecordedRows): void
  /** Only where causality is exact: the write `dot` of `key` replaced `overwrote`, whose vector held `seen` of DC `peer`. */
  readonly found?: (key: number, dot: number, overwrote: number, peer: number, seen: number) => void
}

export interface RecordedRows {
  readonly columns: WritesBlock
  readonly start: number
  readonly count: number
}

interface RowOrigin {
  readonly epochUs: number
  readonly phase: number
}

/** Rows of a batch as it is sent; those that it coalesces have no version and no bytes. */
export function recordSent(
  recorder: Recorder,
  buffers: BatchBuffers,
  batch: RowBatch,
  sentUs: number,
  { epochUs, phase }: RowOrigin,
): RecordedRows {
  const { arrived } = buffers
  const rows = recorder.reserve(arrived)
  const { columns, start } = rows
  for (let i = 0; i < arrived; i++) {
    const at = start + i
    columns.key[at] = buffers.keys[i]
    columns.dot[at] = buffers.dots[i]
    columns.intendedUs[at] = buffers.intendedUs[i] - epochUs
    columns.sentAfterUs[at] = Math.max(0, sentUs - buffers.intendedUs[i])
    columns.operation[at] = buffers.operations[i]
    columns.outcome[at] = OUTCOME.pending
    columns.flags[at] = buffers.coalesced[i] === 1 ? WRITE_FLAG.coalesced : 0
    columns.phase[at] = phase
    columns.version[at] = 0
    columns.logicalBytes[at] = 0
  }
  for (let i = 0; i < batch.count; i++) {
    const at = start + buffers.place[i]
    columns.version[at] = batch.versions[i]
    columns.logicalBytes[at] = logicalBytes(batch, i)
  }
  return rows
}

/** One row that was given up at `atUs` without being sent: it certainly did not happen. */
export function recordUnsent(
  recorder: Recorder,
  row: { readonly key: number; readonly dot: number; readonly intendedUs: number; readonly operation: number },
  flags: number,
  atUs: number,
  { epochUs, phase }: RowOrigin,
): void {
  const rows = recorder.reserve(1)
  const { columns, start } = rows
  columns.key[start] = row.key
  columns.dot[start] = row.dot
  columns.intendedUs[start] = row.intendedUs - epochUs
  columns.sentAfterUs[start] = Math.max(0, atUs - row.intendedUs)
  columns.ackedAfterUs[start] = 0
  columns.operation[start] = row.operation
  columns.outcome[start] = OUTCOME.fail
  columns.flags[start] = flags
  columns.phase[start] = phase
  columns.version[start] = 0
  columns.logicalBytes[start] = 0
  recorder.settle(rows)
}

/** The outcome of row `i` of a batch. */
export function outcomeOf(result: WriteResult, i: number): Outcome {
  return result.rowOutcomes === undefined ? result.outcome : (result.rowOutcomes[i] as Outcome)
}

/** What became of a batch, and what its rows found. A coalesced row shares the fate of the one that replaced it, or that it was added to. */
export function recordSettled(
  recorder: Recorder,
  rows: RecordedRows,
  buffers: BatchBuffers,
  batch: RowBatch,
  result: WriteResult,
  serviceUs: number,
  dcIndex: number,
): void {
  const { columns, start } = rows
  for (let at = start; at < start + buffers.arrived; at++) {
    columns.outcome[at] = result.outcome
    columns.ackedAfterUs[at] = serviceUs
  }
  if (result.rowOutcomes !== undefined) {
    for (let i = 0; i < buffers.arrived; i++) columns.outcome[start + i] = outcomeOf(result, buffers.becomes[i])
  }
  if (result.storedVersions !== undefined) {
    for (let i = 0; i < batch.count; i++) {
      const stored = result.storedVersions[i]
      if (stored !== 0) columns.version[start + buffers.place[i]] = stored
    }
  }
  noteFound(recorder, batch, result, dcIndex)
  recorder.settle(rows)
}

function noteFound({ found }: Recorder, batch: RowBatch, result: WriteResult, dcIndex: number): void {
  const { overwrote, seen } = result
  if (found === undefined || overwrote === undefined || seen === undefined) return
  const dcs = seen.length / batch.count
  for (let i = 0; i < batch.count; i++) {
    if (outcomeOf(result, i) !== OUTCOME.ok) continue
    for (let dc = 0; dc < dcs; dc++) {
      if (dc !== dcIndex) found(batch.keys[i], batch.dots[i], overwrote[i], dc, seen[i * dcs + dc])
    }
  }
}
