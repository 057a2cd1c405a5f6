// Batches of rows that lie ready as arrays, a lane a connection: lanes share no key, so that none waits for another's row locks.
import type { Workload } from '../contract/workload.ts'
import { makeRows, VERSION_PLACE, type RowsOrder } from './made-rows.ts'
import { arraysOf, fillInt64 } from './postgres-rows.ts'

/** As many connections as cdc has appliers, and native streams. */
export const LANES = 2
/** Rows of a lane, written again and again: as many keys as a table of half a million has for it. */
const LANE_ROWS = 150_000

/** A batch as the parameters of a statement, the version that all its rows have, and its keys. */
interface LaneBatch {
  readonly arrays: readonly Buffer[]
  readonly keys: Float64Array
  readonly version: number
}

interface Lane {
  /** The next batch, under a version above all before it; valid until the lane comes to it again. */
  next(): LaneBatch
}

/** The workload with the keys of one lane alone. */
const laneOf = (workload: Workload, lane: number): Workload => ({
  ...workload,
  stream(plan) {
    const stream = workload.stream(plan)
    return {
      next(count, keys, operations) {
        const [key, operation] = [new Float64Array(1), new Uint8Array(1)]
        for (let i = 0; i < count; i++) {
          do stream.next(1, key, operation)
          while (key[0] % LANES !== lane)
          keys[i] = key[0]
          operations[i] = operation[0]
        }
      },
    }
  },
})

export function lanesOf(
  workload: Workload,
  rows: RowsOrder,
  batchRows: number,
  nextVersion: () => number,
): readonly Lane[] {
  return Array.from({ length: LANES }, (_, lane) => {
    const count = Math.floor(LANE_ROWS / batchRows) * batchRows
    const made = makeRows(laneOf(workload, lane), rows, count, batchRows)
    const batches = Array.from({ length: count / batchRows }, (__, i) => ({
      arrays: arraysOf(made, i * batchRows, (i + 1) * batchRows),
      keys: made.keys.subarray(i * batchRows, (i + 1) * batchRows),
    }))
    let at = 0
    return {
      next() {
        const batch = batches[at]
        at = (at + 1) % batches.length
        const version = nextVersion()
        fillInt64(batch.arrays[VERSION_PLACE], version)
        return { ...batch, version }
      },
    }
  })
}
