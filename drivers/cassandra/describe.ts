// What a server says of itself: its version, and the settings that decide what a figure means.
import type { StoreDescription } from '../../bench/contract/store-words.ts'
import { REPLICATION } from './replications.ts'
import { execute, type Server } from './server.ts'
import type { CassandraSettings } from './settings.ts'

const NAMES = new Set([
  'commitlog_sync',
  'commitlog_sync_period',
  'commitlog_sync_group_window',
  'hinted_handoff_enabled',
  'hinted_handoff_throttle',
  'max_hint_window',
  'ideal_consistency_level',
  'concurrent_writes',
  'concurrent_reads',
  'memtable_heap_space',
  'compaction_throughput',
  'write_request_timeout',
  'paxos_variant',
  'phi_convict_threshold',
  'dynamic_snitch',
])
const MACHINE = 'java.lang:type=Runtime'
const ASK_MS = 10_000

export async function describeServer(
  server: Server,
  settings: CassandraSettings,
  replication: string,
): Promise<StoreDescription> {
  const order = ownOrder(settings, replication)
  const [{ rows: local }, { rows }, [java]] = await Promise.all([
    execute(server, 'SELECT release_version, partitioner FROM system.local'),
    execute(server, 'SELECT name, value FROM system_views.settings'),
    server.agent.ask(
      [{ type: 'read', mbean: MACHINE, attribute: 'SystemProperties', path: 'java.vm.version' }],
      ASK_MS,
    ),
  ])
  const own = rows
    .filter(({ name }) => NAMES.has(String(name)))
    .map(({ name, value }): [string, string] => [String(name), String(value)])
  return {
    version: `Cassandra ${String(local[0].release_version)}, Java ${String(java)}`,
    durability: durability(settings),
    ...(settings.commitlogSync === 'periodic' ? {} : { survivesKill: true as const }),
    ...(settings.jit === 'full'
      ? {}
      : { notForPublishing: `the JVM was kept to its quick compiler (cassandra.jit=${settings.jit})` }),
    ...(order === undefined ? {} : { ownOrder: order }),
    settings: {
      ...Object.fromEntries(own),
      replication_factor: `${settings.rf} in each DC`,
      timestamps: settings.timestamps === 'client' ? `client, in steps of ${settings.timestampStepUs} µs` : 'server',
      cells: settings.cells,
      partition_rows: String(settings.partitionRows),
      heap: settings.heap,
      jit: settings.jit,
    },
  }
}

/** What orders writes where the versions do not; a lightweight transaction compares the versions themselves. */
function ownOrder({ timestamps, timestampStepUs, cells }: CassandraSettings, replication: string): string | undefined {
  if (replication === REPLICATION.serial) return undefined
  if (timestamps === 'server') return 'the clock of the server that takes it in orders a write (cassandra.timestamps)'
  if (timestampStepUs === 1) return undefined
  return `timestamps are cut to ${timestampStepUs} µs (cassandra.timestamp_step), and of writes that tie ${cells === 'row' ? 'the greater row' : 'the greater value of each cell'} stands`
}

function durability({ commitlogSync, groupWindowMs, syncPeriodMs, rf }: CassandraSettings): string {
  const copies = rf === 1 ? 'the one copy in its DC' : `the ${rf} copies in its DC`
  if (commitlogSync === 'periodic') {
    return `An acknowledged write may be lost with the server's process: its log goes to the disk every ${syncPeriodMs} ms.`
  }
  const how = commitlogSync === 'batch' ? 'at once' : `in groups of ${groupWindowMs} ms`
  return `A copy counts when its log is on the disk (commitlog_sync ${commitlogSync}, ${how}), of ${copies}; the other DCs as the replication says.`
}
