// What a user may set of a Cassandra system, and the typed reading of it.
import type { Setting } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'

/** Every `--set cassandra.<name>=<value>`. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'java',
    type: 'text',
    default: '',
    meaning:
      'Home of the Java 17 to run on; empty means JAVA_HOME, the one on the PATH, or one where systems keep them.',
  },
  { name: 'heap', type: 'text', default: '512M', meaning: 'Heap of each server, such as 512M or 1G.' },
  {
    name: 'jit',
    type: 'text',
    default: 'full',
    meaning: 'Compilers of the JVM: full; or c1, which is warm at once and slower in the end, for short runs.',
  },
  {
    name: 'rf',
    type: 'number',
    default: '1',
    meaning: 'Copies of each row in each DC, each on a server of its own.',
  },
  {
    name: 'commitlog_sync',
    type: 'text',
    default: 'batch',
    meaning:
      'When a write is acknowledged: after its log is on the disk (batch, group), or before (periodic, the store’s own default, which loses acknowledged writes when a server is killed).',
  },
  {
    name: 'commitlog_sync_group_window',
    type: 'number',
    default: '5',
    meaning: 'Milliseconds over which commitlog_sync=group gathers writes for one sync.',
  },
  {
    name: 'commitlog_sync_period',
    type: 'number',
    default: '10000',
    meaning: 'Milliseconds between syncs under commitlog_sync=periodic.',
  },
  {
    name: 'timestamps',
    type: 'text',
    default: 'client',
    meaning:
      'Whose clock orders writes: client (USING TIMESTAMP with the harness’s version) or server (the coordinator’s clock).',
  },
  {
    name: 'timestamp_step',
    type: 'number',
    default: '1',
    meaning:
      'Microseconds to which client timestamps are cut: 1000 is what clients do that count milliseconds, and makes writes tie.',
  },
  {
    name: 'cells',
    type: 'text',
    default: 'columns',
    meaning:
      'How a row is kept: columns (each a cell with a timestamp of its own, so that tied writes may mix) or row (one value).',
  },
  {
    name: 'partition_rows',
    type: 'number',
    default: '1',
    meaning:
      'Neighbouring keys that share a partition: 1 keeps every row in one of its own, more put rows together in the order of their keys.',
  },
  {
    name: 'paxos_variant',
    type: 'text',
    default: 'v1',
    meaning: 'How lightweight transactions travel: v1 (the store’s own default), or v2, which saves round trips.',
  },
  {
    name: 'hinted_handoff_throttle',
    type: 'number',
    default: '0',
    meaning:
      'KiB/s at which hints are handed over after a partition; 0 is unlimited (the store’s own default is 1024).',
  },
  {
    name: 'write_timeout',
    type: 'number',
    default: '2000',
    meaning: 'Milliseconds after which a server gives up waiting for the replicas of a write (write_request_timeout).',
  },
  {
    name: 'phi_convict_threshold',
    type: 'number',
    default: '8',
    meaning:
      'How sure a server must be that a silent peer is down, from 5 to 16: about 2.3 s of silence for each. Until then each-quorum and serial writes time out, after it they are refused.',
  },
]

/** The settings, typed. */
export interface CassandraSettings {
  readonly java: string
  readonly heap: string
  readonly jit: string
  readonly rf: number
  readonly commitlogSync: string
  readonly groupWindowMs: number
  readonly syncPeriodMs: number
  readonly timestamps: string
  readonly timestampStepUs: number
  readonly cells: string
  readonly partitionRows: number
  readonly paxosVariant: string
  readonly hintThrottleKiB: number
  readonly writeTimeoutMs: number
  readonly phiConvictThreshold: number
}

/** Reads and checks the settings. Throws USAGE for a value out of range. */
export function readSettings(settings: Readonly<Record<string, string>>): CassandraSettings {
  if (!/^[1-9]\d*[MG]$/.test(settings.heap)) refuse('heap', settings.heap, 'a size such as 512M or 1G')
  return {
    java: settings.java,
    heap: settings.heap,
    jit: oneOf('jit', settings.jit, ['full', 'c1']),
    rf: whole('rf', settings.rf, 1, 5),
    commitlogSync: oneOf('commitlog_sync', settings.commitlog_sync, ['batch', 'group', 'periodic']),
    groupWindowMs: whole('commitlog_sync_group_window', settings.commitlog_sync_group_window, 1, 1000),
    syncPeriodMs: whole('commitlog_sync_period', settings.commitlog_sync_period, 10, 600_000),
    timestamps: oneOf('timestamps', settings.timestamps, ['client', 'server']),
    timestampStepUs: whole('timestamp_step', settings.timestamp_step, 1, 10_000_000),
    cells: oneOf('cells', settings.cells, ['columns', 'row']),
    partitionRows: whole('partition_rows', settings.partition_rows, 1, 1_000_000),
    paxosVariant: oneOf('paxos_variant', settings.paxos_variant, ['v1', 'v2']),
    hintThrottleKiB: whole('hinted_handoff_throttle', settings.hinted_handoff_throttle, 0, 1_000_000),
    writeTimeoutMs: whole('write_timeout', settings.write_timeout, 100, 60_000),
    phiConvictThreshold: whole('phi_convict_threshold', settings.phi_convict_threshold, 5, 16),
  }
}

function refuse(name: string, value: string, wanted: string): never {
  throw new BenchError('USAGE', `cassandra.${name} cannot be "${value}": give ${wanted}.`)
}

function oneOf(name: string, value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value)) refuse(name, value, `one of ${allowed.join(', ')}`)
  return value
}

function whole(name: string, value: string, min: number, max: number): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < min || number > max) {
    refuse(name, value, `a whole number from ${min} to ${max}`)
  }
  return number
}

/** The heap in bytes. */
export function heapBytes(heap: string): number {
  return Number(heap.slice(0, -1)) * (heap.endsWith('G') ? 1024 ** 3 : 1024 ** 2)
}
