// Single prepared upserts on Cassandra against a bare loop.
import { cassandraBare } from './cassandra-bare.ts'

export const cassandraSingleBare = cassandraBare(
  {
    name: 'cassandra-single-bare',
    what: 'Cassandra, single prepared upserts',
    peer: 'bare cassandra-driver loop',
  },
  'single',
)
