// How rows are handed to the server.
import type { WriteMode } from '../../bench/contract/driver.ts'

export const MODE = { batch: 'batch', single: 'single', pipeline: 'pipeline', copy: 'copy' } as const

export const MODES: readonly [WriteMode, ...WriteMode[]] = [
  {
    name: MODE.batch,
    meaning: 'One statement a batch: binary arrays through unnest into an upsert.',
    batchRows: 500,
    inFlight: 1,
    writers: 1,
  },
  {
    name: MODE.single,
    meaning: 'One prepared upsert a row, each its own transaction.',
    batchRows: 1,
    inFlight: 1,
    writers: 8,
  },
  {
    name: MODE.pipeline,
    meaning:
      'One prepared upsert a row, each its own transaction, sent without waiting for those before: up to 128 are under way.',
    batchRows: 1,
    inFlight: 128,
    writers: 2,
  },
  {
    name: MODE.copy,
    meaning: 'One binary COPY a batch, which only inserts: a key that is there already fails the batch.',
    batchRows: 500,
    inFlight: 1,
    writers: 1,
    appendsOnly: true,
  },
]
