// What the servers and the pipelines count, gathered for the report.
import type { Client } from 'pg'
import type { Address, Endpoints } from '../../bench/contract/driver.ts'
import type { Counters } from '../../bench/contract/store-words.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { ControlClient } from '../../bench/lib/control.ts'
import { controlPort } from './names.ts'
import { zeroCounters, type PipelineCounters } from './pipeline-counters.ts'
import { othersOf } from './server.ts'

const OLDER_MEANING =
  'Rows that a pipeline brought and that were not newer than what the DC already had, since the pipelines started; a row that a causally later one overtook on another way counts too.'

/** Counters of one server; the statistics are cumulative since initdb. */
const SERVER_COUNTERS = `SELECT
  (SELECT wal_bytes FROM pg_stat_wal)::float8 AS wal_bytes,
  (SELECT wal_records FROM pg_stat_wal)::float8 AS wal_records,
  (SELECT wal_fpi FROM pg_stat_wal)::float8 AS wal_full_pages,
  (SELECT num_timed + num_requested FROM pg_stat_checkpointer)::float8 AS checkpoints,
  xact_commit::float8 AS transactions_committed,
  xact_rollback::float8 AS transactions_rolled_back,
  deadlocks::float8 AS deadlocks,
  tup_inserted::float8 AS rows_inserted,
  tup_updated::float8 AS rows_updated,
  (SELECT coalesce(sum(n_tup_hot_upd), 0) FROM pg_stat_user_tables)::float8 AS rows_updated_in_page
FROM pg_stat_database WHERE datname = current_database()`

/** The counters of one server by name. */
export async function serverCounters(client: Client): Promise<Readonly<Record<string, number>>> {
  const { rows } = await client.query<Record<string, number>>(SERVER_COUNTERS)
  return rows[0]
}

async function ask(address: Address): Promise<PipelineCounters | undefined> {
  let control: ControlClient
  try {
    control = await ControlClient.open(address)
  } catch {
    // Before the stage `replicate`, and while a pipeline is killed, there is nothing to ask.
    return undefined
  }
  try {
    return await control.ask<PipelineCounters>('counters')
  } catch {
    return undefined
  } finally {
    control.close()
  }
}

/** Sums of every pipeline's counters, with the store's word for conflicts. */
export async function pipelineCounters(dcs: readonly Dc[], endpoints: Endpoints): Promise<Counters> {
  const addresses = dcs.flatMap((dc) =>
    othersOf(dc, dcs).flatMap((other) => endpoints[dc.name][controlPort(other.name)] ?? []),
  )
  const sum: Record<string, number> = { ...zeroCounters() }
  for (const counters of await Promise.all(addresses.map(ask))) {
    for (const [name, value] of Object.entries(counters ?? {})) sum[name] += value as number
  }
  return {
    conflictsReported: { count: sum.rowsOlder, meaning: OLDER_MEANING },
    own: {
      pipeline_rows_received: sum.rowsReceived,
      pipeline_rows_applied: sum.rowsApplied,
      pipeline_rows_older: sum.rowsOlder,
      pipeline_rows_superseded: sum.rowsSuperseded,
      pipeline_rows_skipped: sum.rowsSkipped,
      pipeline_transactions_received: sum.transactions,
      pipeline_transactions_applied: sum.batches,
      pipeline_reconnects: sum.reconnects,
      pipeline_received_bytes: sum.bytesReceived,
    },
  }
}
