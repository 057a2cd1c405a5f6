// The three binary parts of a run's ledger folder, as layouts of column files. bench/measure writes them, bench/analyse reads them.
// All times are µs since the run's epoch unless the name says otherwise. A row whose dot is 0 is padding (but see FINAL).
import type { Block } from './column-file.ts'

/**
 * `writes-<dc>-<worker>.bin`: every row write. `sentAfterUs` counts from `intendedUs`, `ackedAfterUs` from the send, or is NEVER.
 * `outcome` and `operation` are the numbers of bench/contract; `version` is the stored one where the store raised it.
 */
export const WRITES = {
  id: 1,
  columns: {
    key: 'f64',
    dot: 'f64',
    version: 'f64',
    intendedUs: 'f64',
    sentAfterUs: 'u32',
    ackedAfterUs: 'u32',
    logicalBytes: 'u32',
    outcome: 'u8',
    operation: 'u8',
    flags: 'u8',
    phase: 'u8',
  },
} as const
export type WritesBlock = Block<typeof WRITES.columns>

/** `ackedAfterUs` of a write whose outcome never came. */
export const NEVER = 0xffffffff

/**
 * Bits of a write's `flags`. A coalesced write was replaced by a later one of its own batch and never stored, or, an increment,
 * added to it. A declined one was never sent: its turn had not come.
 */
export const WRITE_FLAG = { coalesced: 1, probed: 2, declined: 4 } as const

/**
 * `causes-<dc>-<worker>.bin`, only where causality is exact: what each stored acknowledged write found at its own DC, one row a
 * write and other DC `peer`: the dot of the row that it replaced there, and the latest dot of the peer in that row's vector; 0 for none.
 * `key` is the write's own, so that the rows of a key can be found without those of the ledger.
 */
export const CAUSES = {
  id: 4,
  columns: { key: 'f64', dot: 'f64', overwrote: 'f64', seen: 'f64', peer: 'u8' },
} as const

/**
 * `probes-<dc>.bin`: what the prober in this DC saw of writes made elsewhere, one row a probed write.
 * `missSentUs`: when the last read that did not show it was sent, NaN if no read missed it. `hitReturnedUs`: when the read that
 * closed the probe returned, NaN if it stayed open.
 */
export const PROBES = {
  id: 2,
  columns: { key: 'f64', dot: 'f64', sentUs: 'f64', missSentUs: 'f64', hitReturnedUs: 'f64', state: 'u8' },
} as const
export type ProbesBlock = Block<typeof PROBES.columns>

/** How a probe ended: the write or a later one of its DC was seen; a newer row of another DC hid it; it was never seen; it was given up unread. */
export const PROBE_STATE = { hit: 1, overshadowed: 2, open: 3, dropped: 4 } as const
export const PROBE_STATE_NAMES: Readonly<Record<number, string>> = {
  1: 'hit',
  2: 'overshadowed',
  3: 'open',
  4: 'dropped',
}

/**
 * `final-<dc>.bin`: what this DC held at the end of the run of every key that was written, in ascending order of key.
 * `state` 0 is padding. `dot` and `version` are 0 where the row is absent.
 */
export const FINAL = { id: 3, columns: { key: 'f64', dot: 'f64', version: 'f64', state: 'u8' } } as const

/**
 * `whole`: the content is what this dot wrote (counters aside); `absent`: no such row; `mixed`: content that no write of this dot
 * made; `deleted`: a tombstone of this dot.
 */
export const FINAL_STATE = { whole: 1, absent: 2, mixed: 3, deleted: 4 } as const

/** `counts-<dc>.bin`, only for tables with a counter: the sum of the counter columns of every row of `final-<dc>.bin` that has content. */
export const COUNTS = { id: 5, columns: { key: 'f64', value: 'f64' } } as const
