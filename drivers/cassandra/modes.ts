// How rows are handed to the store.
import type { WriteMode } from '../../bench/contract/driver.ts'
import { REPLICATION } from './replications.ts'

export const MODES: readonly [WriteMode, ...WriteMode[]] = [
  {
    name: 'single',
    meaning: 'One prepared statement a row, up to 64 under way in each session.',
    batchRows: 1,
    inFlight: 64,
    writers: 2,
  },
  {
    name: 'batch',
    meaning:
      'One unlogged batch of prepared statements for 50 rows, up to 8 under way in each session; not for serial.',
    batchRows: 50,
    inFlight: 8,
    writers: 1,
    // A transaction is of one row.
    notFor: [REPLICATION.serial],
  },
]
