// What a server says of itself: its version, and the settings that decide what a figure means.
import type { Client } from 'pg'
import type { StoreDescription } from '../../bench/contract/store-words.ts'
import type { Server } from './server.ts'

const NAMES = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'wal_compression',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'autovacuum',
  'wal_writer_delay',
  'track_commit_timestamp',
  'data_checksums',
  'jit',
  'block_size',
  'debug_assertions',
]

/** The server's version, durability and settings in force. */
export async function describeServer(client: Client): Promise<StoreDescription> {
  const { rows } = await client.query<{ name: string; value: string; version: string }>(
    `SELECT name, current_setting(name) AS value, version() AS version FROM pg_settings WHERE name = ANY($1)`,
    [NAMES],
  )
  const settings = Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  // Killed processes lose what only they held; what the kernel was given stays.
  const kept = settings['synchronous_commit'] === 'off' ? {} : { survivesKill: true as const }
  return { version: rows[0].version, durability: durability(settings), ...kept, settings }
}

/** The same of servers that need not be alike: what differs from the first is told for each. */
export async function describeServers(servers: readonly Server[]): Promise<StoreDescription> {
  const each = await Promise.all(servers.map(async ({ dc, client }) => ({ dc, told: await describeServer(client) })))
  const [{ told: first }] = each
  const all = (text: (told: StoreDescription) => string): string =>
    each.every(({ told }) => text(told) === text(first))
      ? text(first)
      : each.map(({ dc, told }) => `${dc.name}: ${text(told)}`).join(' ')
  const differing = each.flatMap(({ dc, told }) =>
    Object.entries(told.settings)
      .filter(([name, value]) => first.settings[name] !== value)
      .map(([name, value]) => [`${dc.name}.${name}`, value]),
  )
  return {
    version: all(({ version }) => version),
    durability: all((told) => told.durability),
    settings: { ...first.settings, ...Object.fromEntries(differing) },
  }
}

function durability({ fsync, synchronous_commit: commit }: Readonly<Record<string, string>>): string {
  if (fsync !== 'on') return 'An acknowledged write may be lost with the machine: fsync is off.'
  if (commit === 'off') return 'The last acknowledged writes may be lost with the server: synchronous_commit is off.'
  return `An acknowledged write is on this DC's disk (fsync on, synchronous_commit ${commit}); no other DC need have it.`
}
