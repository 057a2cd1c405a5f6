// Mixed rows: at the end a DC holds content that no write made, or a row that is not what its own dot asked for.
import type { Capabilities } from '../contract/driver.ts'
import { OPERATION } from '../contract/table.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { dotIncarnation, LOADED_VERSION } from '../lib/dot.ts'
import { FINAL_STATE } from '../lib/ledger-format.ts'
import type { Partition } from './partition.ts'

/** Keys over the whole run; `heldBy` by DC. */
export interface MixedRows {
  keys: number
  readonly heldBy: number[]
}

export function newMixedRows(dcCount: number): MixedRows {
  return { keys: 0, heldBy: new Array<number>(dcCount).fill(0) }
}

/** Adds one key, by the DCs whose copies of it are mixed. */
export function addMixedRow(holders: readonly number[], total: MixedRows): void {
  if (holders.length > 0) total.keys++
  for (const dc of holders) total.heldBy[dc]++
}

/** The DCs whose copy of a key is mixed, ascending. DCs without final rows say nothing. */
export function mixedIn(partition: Partition, group: number, capabilities: Capabilities): readonly number[] {
  let mixed = NONE
  for (let dc = 0; dc < partition.finals.length; dc++) {
    if (isMixed(partition, group, dc, capabilities)) mixed = [...mixed, dc]
  }
  return mixed
}

/** Nearly every key has none. */
const NONE: readonly number[] = []

function isMixed(partition: Partition, group: number, dc: number, capabilities: Capabilities): boolean {
  const final = partition.finals[dc]
  if (final === null) return false
  const { dot, version, state } = final
  if (state[group] === FINAL_STATE.mixed) return true
  if (state[group] !== FINAL_STATE.whole && state[group] !== FINAL_STATE.deleted) return false
  const row = final.place[group]
  if (row < 0) {
    // Loaded rows have incarnation 0, and no line in the ledger.
    const isLoaded = dotIncarnation(dot[group]) === 0
    return isLoaded && (state[group] === FINAL_STATE.deleted || version[group] !== LOADED_VERSION)
  }
  const isDelete = partition.operation[row] === OPERATION.delete
  return (
    isDelete !== (state[group] === FINAL_STATE.deleted) || isOtherVersion(partition, row, version[group], capabilities)
  )
}

/** Whether a row's version is not that of the write whose dot and content it has: it is another write's. */
function isOtherVersion(
  { version, outcome }: Partition,
  row: number,
  held: number,
  { blindWrites }: Capabilities,
): boolean {
  // A store that raises versions cannot have said how far it raised a write that it did not answer.
  const mayBeRaised = blindWrites !== true && outcome[row] !== OUTCOME.ok
  return mayBeRaised ? held < version[row] : held !== version[row]
}
