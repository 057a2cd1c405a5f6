// Pipelined upserts on Postgres against pgbench with as many connections: one statement at a time, and by its own pipeline.
import type { Comparison } from './comparison.ts'
import { profilesOn } from './postgres-ground.ts'
import { postgresPgbench } from './postgres-pgbench.ts'

/** Statements between \startpipeline and \endpipeline, as many as geowrite has under way in a session. */
const PIPELINED = 128
const what = 'Postgres, pipelined prepared upserts, 2 sessions'
const options = profilesOn('pipeline')

export const postgresPipelinePgbench: readonly Comparison[] = [
  postgresPgbench(
    { name: 'postgres-pipeline-pgbench', what, peer: 'pgbench -M prepared, 2 clients', target: 1 },
    options,
  ),
  postgresPgbench(
    {
      name: 'postgres-pipeline-startpipeline',
      what,
      peer: `pgbench \\startpipeline, 2 clients, ${PIPELINED} rows a transaction`,
      target: null,
    },
    options,
    PIPELINED,
  ),
]
