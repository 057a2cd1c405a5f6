// Batched upserts on Postgres against a bare loop that sends the same statement with arrays made beforehand.
import { postgresBare } from './postgres-bare.ts'
import { profilesOn } from './postgres-ground.ts'

export const postgresBatchBare = postgresBare(
  { name: 'postgres-batch-bare', what: 'Postgres, batches of 500 upserts', peer: 'bare pg loop', target: 0.9 },
  'batch',
  profilesOn('batch'),
)
