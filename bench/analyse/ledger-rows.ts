// Streams the ledger's writes and probes block by block, so that no analysis needs all rows in memory at once.
import { NEVER, PROBES, WRITE_FLAG, WRITES, type ProbesBlock, type WritesBlock } from '../lib/ledger-format.ts'
import { readBlocks } from '../lib/column-file.ts'
import { damagedFile } from '../lib/damaged-file.ts'
import { OUTCOME } from '../contract/outcome.ts'
import type { RunData } from './load.ts'
import { TIME_US_MAX } from './schema-parts.ts'

/** Refuses rows of other times than a run can have, which no counting by seconds would come to an end of. Throws FORMAT. */
export function checkTimes(path: string, rows: Float64Array): void {
  for (let row = 0; row < rows.length; row++) {
    if (Math.abs(rows[row]) <= TIME_US_MAX) continue
    throw damagedFile(path, `a row was due ${rows[row]} µs after the run's start`)
  }
}

/** Every block of writes with the DC that wrote it, in the order of the files. Rows with dot 0 are padding. */
export function* writeBlocks(run: RunData): Generator<{ readonly dcIndex: number; readonly block: WritesBlock }> {
  for (const { dcIndex, path } of run.writes) {
    const end = { torn: false, bytes: 0 }
    for (const block of readBlocks(WRITES, path, end)) {
      checkTimes(path, block.intendedUs)
      yield { dcIndex, block }
    }
    if (end.torn) run.torn.add(path)
  }
}

/** Every block of probes with the DC that looked, in the order of the files. Rows with dot 0 are padding. */
export function* probeBlocks(run: RunData): Generator<{ readonly peerIndex: number; readonly block: ProbesBlock }> {
  for (const [peerIndex, path] of run.probes.entries()) {
    if (path === null) continue
    const end = { torn: false, bytes: 0 }
    for (const block of readBlocks(PROBES, path, end)) {
      checkTimes(path, block.sentUs)
      yield { peerIndex, block }
    }
    if (end.torn) run.torn.add(path)
  }
}

/** When a write was sent, in µs since the epoch. */
export function sentUs(block: WritesBlock, row: number): number {
  return block.intendedUs[row] + block.sentAfterUs[row]
}

/** When a write was acknowledged; infinite for one that never was, whatever its batch was told. */
export function ackedUs(block: WritesBlock, row: number): number {
  const after = block.ackedAfterUs[row]
  return block.outcome[row] === OUTCOME.ok && after !== NEVER ? sentUs(block, row) + after : Number.POSITIVE_INFINITY
}

/** A write that certainly is or may be in a store: not refused, not declined, and not replaced within its own batch. */
export function maybeStored(outcome: number, flags: number): boolean {
  return outcome !== OUTCOME.fail && (flags & (WRITE_FLAG.coalesced | WRITE_FLAG.declined)) === 0
}
