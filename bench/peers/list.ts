// Every comparison and every gauge there is, in the order in which they run.
import { cassandraBatchBare } from './cassandra-batch-bare.ts'
import { cassandraLatte } from './cassandra-latte.ts'
import { cassandraSingleBare } from './cassandra-single-bare.ts'
import type { Comparison, Gauge } from './comparison.ts'
import { postgresBatchBare } from './postgres-batch-bare.ts'
import { postgresCopyFloor } from './postgres-copy-floor.ts'
import { postgresCopyPsql } from './postgres-copy-psql.ts'
import { postgresFirstRow } from './postgres-first-row.ts'
import { postgresLag } from './postgres-lag.ts'
import { postgresPipelinePgbench } from './postgres-pipeline-pgbench.ts'
import { postgresSingleBare } from './postgres-single-bare.ts'
import { postgresSinglePgbench } from './postgres-single-pgbench.ts'

export const COMPARISONS: readonly Comparison[] = [
  postgresCopyPsql,
  postgresCopyFloor,
  postgresBatchBare,
  postgresSingleBare,
  ...postgresSinglePgbench,
  ...postgresPipelinePgbench,
  cassandraSingleBare,
  cassandraBatchBare,
  cassandraLatte,
]

export const GAUGES: readonly Gauge[] = [postgresFirstRow, ...postgresLag]
