// The server's configuration: durable by default, ready for logical decoding, and steady within a short run.
import { join } from 'node:path'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Place } from '../../bench/contract/service.ts'
import { SQL_PORT } from './names.ts'
import { readSettings, SERVER_SETTINGS } from './settings.ts'

/** Beside the configuration, where others than loopback connect. */
export const HBA_FILE = 'pg_hba.conf'
/** initdb lets loopback alone in. Here all come from the DC's own network: its services, the link's end in it, published ports. */
export const NETWORK_HBA = 'host all all samenet scram-sha-256\n'

/** The text of postgresql.conf for one DC's server. */
export function serverConfig(
  plan: DeployPlan,
  { kind, folder, ports }: Pick<Place, 'kind' | 'folder' | 'ports'>,
): string {
  const address = ports[SQL_PORT]
  const peers = plan.dcs.length
  const { appliers, streams } = readSettings(plan.settings)
  // Every subscription may take two more workers to apply a very large transaction in parallel.
  const applyWorkers = peers * streams * 3
  const lines: [string, string | number][] = [
    ['listen_addresses', address.host],
    ['port', address.port],
    ['unix_socket_directories', ''],
    ...(kind === 'container' ? [['hba_file', join(folder, HBA_FILE)] satisfies [string, string]] : []),
    // Every writer of a DC and, where DCs take turns, its reader beside it, at most 256 of each; probers, pipelines, admins.
    ['max_connections', 560],
    ['password_encryption', 'scram-sha-256'],

    ['wal_level', 'logical'],
    ['track_commit_timestamp', 'on'],
    ['max_wal_senders', 10 + 2 * peers * streams],
    ['max_replication_slots', 10 + 2 * peers * streams],
    ['max_active_replication_origins', 10 + peers * Math.max(appliers, streams)],
    ['max_logical_replication_workers', 4 + applyWorkers],
    ['max_worker_processes', 12 + applyWorkers],
    // A dead peer must be noticed within a short run: the default is a minute.
    ['wal_sender_timeout', '10s'],
    ['wal_receiver_timeout', '10s'],
    // And a subscription comes back as soon as its source can be reached again: the default is 5 s.
    ['wal_retrieve_retry_interval', '500ms'],

    ['min_wal_size', '1GB'],
    ['checkpoint_completion_target', 0.9],
    ['huge_pages', 'off'],
    ['jit', 'off'],
    // The writes are looked up by primary key; parallel plans would only take the cores of whoever is measured.
    ['max_parallel_workers_per_gather', 0],
    ['maintenance_work_mem', '256MB'],

    ['log_destination', 'stderr'],
    ['logging_collector', 'off'],
    ['log_line_prefix', '%m [%p] %a '],
    // A failed statement's text is as long as its table is wide, and says nothing that the error does not.
    ['log_min_error_statement', 'panic'],
    ['timezone', 'UTC'],
    ['log_timezone', 'UTC'],
    ...SERVER_SETTINGS.map((name): [string, string] => [name, plan.settings[name]]),
  ]
  return lines.map(([name, value]) => `${name} = '${value}'\n`).join('')
}
