// Single prepared upserts on Postgres against a bare loop.
import { postgresBare } from './postgres-bare.ts'
import { profilesOn } from './postgres-ground.ts'

export const postgresSingleBare = postgresBare(
  { name: 'postgres-single-bare', what: 'Postgres, single prepared upserts', peer: 'bare pg loop', target: 0.95 },
  'single',
  profilesOn('single'),
)
