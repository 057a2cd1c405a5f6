// Every comparison and every gauge there is, in the order in which they run.
import { analysisRate } from './analysis-rate.ts'
import { cassandraBatchBare } from './cassandra-batch-bare.ts'
import { cassandraLatte } from './cassandra-latte.ts'
import { cassandraSingleBare } from './cassandra-single-bare.ts'
import { cdcDrainBare } from './cdc-drain-bare.ts'
import { cdcDrainTrigger } from './cdc-drain-trigger.ts'
import { cdcSteadyNative } from './cdc-steady-native.ts'
import type { Comparison, Gauge } from './comparison.ts'
import { generatorRates } from './generator-rate.ts'
import { generatorSlip } from './generator-slip.ts'
import { harnessMemory } from './harness-memory.ts'
import { lsmBare } from './lsm-bare.ts'
import { lsmDbBench } from './lsm-db-bench.ts'
import { postgresBatchBare } from './postgres-batch-bare.ts'
import { postgresCopyFloor } from './postgres-copy-floor.ts'
import { postgresCopyPsql } from './postgres-copy-psql.ts'
import { postgresFirstRow } from './postgres-first-row.ts'
import { postgresLag } from './postgres-lag.ts'
import { postgresPipelinePgbench } from './postgres-pipeline-pgbench.ts'
import { postgresSingleBare } from './postgres-single-bare.ts'
import { postgresSinglePgbench } from './postgres-single-pgbench.ts'
import { relayBandwidth } from './relay-bandwidth.ts'
import { relayNet, relayThroughput } from './relay-net.ts'
import { relayRoundTrips } from './relay-rtt.ts'

export const COMPARISONS: readonly Comparison[] = [
  postgresCopyPsql,
  postgresCopyFloor,
  postgresBatchBare,
  postgresSingleBare,
  ...postgresSinglePgbench,
  ...postgresPipelinePgbench,
  cdcDrainBare,
  cdcDrainTrigger,
  cdcSteadyNative,
  cassandraSingleBare,
  cassandraBatchBare,
  cassandraLatte,
  ...lsmBare,
  lsmDbBench,
  relayNet,
]

export const GAUGES: readonly Gauge[] = [
  ...generatorRates,
  ...generatorSlip,
  ...relayRoundTrips,
  relayThroughput,
  ...relayBandwidth,
  harnessMemory,
  postgresFirstRow,
  ...postgresLag,
  analysisRate,
]
