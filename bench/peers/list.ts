// Every comparison and every gauge there is, in the order in which they run.
import { cassandraBatchBare } from './cassandra-batch-bare.ts'
import { cassandraLatte } from './cassandra-latte.ts'
import { cassandraSingleBare } from './cassandra-single-bare.ts'
import type { Comparison, Gauge } from './comparison.ts'

export const COMPARISONS: readonly Comparison[] = [cassandraSingleBare, cassandraBatchBare, cassandraLatte]

export const GAUGES: readonly Gauge[] = []
