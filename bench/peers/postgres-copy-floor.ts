// Rows copied into Postgres against one COPY of rows that lie ready in memory: the least that a client can do.
import { postgresBare } from './postgres-bare.ts'
import { emptiedBetweenTurns } from './postgres-emptied.ts'
import { messagesBy } from './postgres-ground.ts'

export const postgresCopyFloor = postgresBare(
  { name: 'postgres-copy-floor', what: 'Postgres, binary COPY', peer: 'one COPY a turn from memory', target: null },
  'copy',
  messagesBy('copy'),
  emptiedBetweenTurns,
)
