// What a user may set of a Postgres system, and the typed reading of it.
import type { Setting } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'

/** Every `--set postgres.<name>=<value>`; what the server itself checks (sizes, times) is handed on as text. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'bin',
    type: 'text',
    default: '',
    meaning: 'Folder of another build’s programs (postgres, initdb); empty means the one from npm.',
  },
  {
    name: 'fsync',
    type: 'text',
    default: 'on',
    meaning: 'Whether the server forces its log to the disk at all (on, off).',
  },
  {
    name: 'synchronous_commit',
    type: 'text',
    default: 'on',
    meaning: 'Whether a write is acknowledged after its log is on the disk (on, off, local).',
  },
  {
    name: 'full_page_writes',
    type: 'text',
    default: 'on',
    meaning: 'Whether a page’s first change after a checkpoint logs the whole page (on, off).',
  },
  {
    name: 'wal_compression',
    type: 'text',
    default: 'off',
    meaning: 'Compression of whole pages in the log (off, pglz, lz4, zstd).',
  },
  { name: 'shared_buffers', type: 'text', default: '512MB', meaning: 'Page cache of each server.' },
  {
    name: 'max_wal_size',
    type: 'text',
    default: '8GB',
    meaning: 'Log written before a checkpoint is forced; large enough to keep one out of a short run.',
  },
  { name: 'checkpoint_timeout', type: 'text', default: '30min', meaning: 'Longest time between checkpoints.' },
  {
    name: 'autovacuum',
    type: 'text',
    default: 'on',
    meaning: 'Whether dead rows are cleaned up in the background (on, off).',
  },
  {
    name: 'fillfactor',
    type: 'number',
    default: '90',
    meaning: 'Per cent of a page that loading fills; the rest lets updated rows stay in their page.',
  },
  {
    name: 'streams',
    type: 'number',
    default: '2',
    meaning: 'Subscriptions a source of the replication native, each with a part of the keys and a worker of its own.',
  },
  {
    name: 'appliers',
    type: 'number',
    default: '2',
    meaning: 'Connections on which a pipeline applies in parallel, split by key.',
  },
  {
    name: 'apply_rows',
    type: 'number',
    default: '2000',
    meaning: 'Rows that an applier combines into one transaction when they have queued up.',
  },
  {
    name: 'apply_synchronous_commit',
    type: 'text',
    default: 'off',
    meaning:
      'Whether an applier, or a worker of native, waits for the disk at each commit; the source is told only of what is durable either way (on, off).',
  },
]

/** The settings that our own code reads, typed; the rest is the server's. */
interface PostgresSettings {
  readonly bin: string
  readonly fillfactor: number
  readonly streams: number
  readonly appliers: number
  readonly applyRows: number
  readonly applySynchronousCommit: string
}

const SWITCHES = ['fsync', 'full_page_writes', 'autovacuum', 'apply_synchronous_commit'] as const
/** Settings that go into the server's configuration under their own name. */
export const SERVER_SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_compression',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'autovacuum',
] as const

/** Reads and checks the settings. Throws USAGE for a value out of range. */
export function readSettings(settings: Readonly<Record<string, string>>): PostgresSettings {
  for (const name of SWITCHES) oneOf(name, settings[name], ['on', 'off'])
  oneOf('synchronous_commit', settings.synchronous_commit, ['on', 'off', 'local'])
  for (const name of SERVER_SETTINGS) {
    // The value becomes a line of the server's configuration: it must not become two.
    if (!/^\w+$/.test(settings[name])) refuse(name, settings[name], 'a word, or a number with a unit such as 512MB')
  }
  return {
    bin: settings.bin,
    fillfactor: whole('fillfactor', settings.fillfactor, 10, 100),
    streams: whole('streams', settings.streams, 1, 16),
    appliers: whole('appliers', settings.appliers, 1, 16),
    applyRows: whole('apply_rows', settings.apply_rows, 1, 10_000),
    applySynchronousCommit: settings.apply_synchronous_commit,
  }
}

function refuse(name: string, value: string, wanted: string): never {
  throw new BenchError('USAGE', `postgres.${name} cannot be "${value}": give ${wanted}.`)
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) refuse(name, value, `one of ${allowed.join(', ')}`)
}

function whole(name: string, value: string, min: number, max: number): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < min || number > max) {
    refuse(name, value, `a whole number from ${min} to ${max}`)
  }
  return number
}

const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

/** A memory setting such as 512MB in bytes; without its unit, or with one that the server does not know, 0: the server says so. */
export function memoryBytes(text: string): number {
  const [, amount, unit] = /^(\d+)([a-zA-Z]+)$/.exec(text) ?? []
  return Number(amount ?? 0) * (UNIT_BYTES[unit ?? ''] ?? 0)
}
