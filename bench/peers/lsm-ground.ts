// What all comparisons on LevelDB share: what is deployed for them, and where in the tree the same rows go without a node.
import type { Side } from './comparison.ts'
import type { SystemOptions } from './deployed.ts'

/**
 * Two DCs whose link delays nothing, keys uniform: hot keys would make a batch hold fewer rows than were asked for. The table is
 * several times what LevelDB holds in memory before it sorts it into files.
 */
export const LSM_OPTIONS: SystemOptions = {
  workload: 'profiles',
  driver: 'lsm',
  mode: 'batch',
  rows: '500k',
  skew: '0',
  distribution: 'uniform',
  delay: '0ms',
}

/** Backlogs, and logs that nobody trims, of longer turns would fill disks and say nothing more. */
const TURN_MS_MAX = 3000

export const boundedTurn = (side: Side): Side => ({
  turn: (durationMs) => side.turn(Math.min(durationMs, TURN_MS_MAX)),
})

/** Rows a batch, of the driver's mode `batch`. */
export const BATCH_ROWS = 500
