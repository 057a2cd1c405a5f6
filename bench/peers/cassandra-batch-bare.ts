// Unlogged batches on Cassandra against a bare loop.
import { cassandraBare } from './cassandra-bare.ts'

export const cassandraBatchBare = cassandraBare(
  {
    name: 'cassandra-batch-bare',
    what: 'Cassandra, unlogged batches of 50 upserts',
    peer: 'bare cassandra-driver loop',
  },
  'batch',
)
