// How rows are handed to the store.
import type { WriteMode } from '../../bench/contract/driver.ts'
import { REPLICATION } from './replications.ts'

export const MODE = { single: 'single', batch: 'batch', partitionBatch: 'partition-batch' } as const

export const MODES: readonly [WriteMode, ...WriteMode[]] = [
  {
    name: MODE.single,
    meaning: 'One prepared statement a row, up to 64 under way in each session.',
    batchRows: 1,
    inFlight: 64,
    writers: 2,
  },
  {
    name: MODE.batch,
    meaning:
      'One unlogged batch of prepared statements for 50 rows of whatever partitions, up to 8 under way in each session; not for serial.',
    batchRows: 50,
    inFlight: 8,
    writers: 1,
    // A transaction is of one row.
    notFor: [REPLICATION.serial],
  },
  {
    name: MODE.partitionBatch,
    meaning:
      'The rows of a batch by partition, one unlogged batch for each (cassandra.partition_rows), up to 16 at once of each of up to 8 batches in each session; not for serial.',
    batchRows: 50,
    inFlight: 8,
    writers: 1,
    notFor: [REPLICATION.serial],
  },
]
