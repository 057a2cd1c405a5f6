// The settings of lsm nodes: what they are called, what they mean, and how their text is read.
import type { Setting } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'

export interface LsmSettings {
  readonly sync: boolean
  readonly compression: boolean
  readonly writeBufferBytes: number
  readonly blockCacheBytes: number
  readonly tableFileBytes: number
  readonly recentRows: number
  readonly recentRecordBytes: number
}

export const LSM_SETTINGS: readonly Setting[] = [
  {
    name: 'sync',
    type: 'boolean',
    default: 'false',
    meaning: 'Bring every commit to the disk before it is acknowledged, so that it survives a power failure.',
  },
  {
    name: 'compression',
    type: 'boolean',
    default: 'false',
    meaning: 'Compress the blocks of table files with Snappy.',
  },
  {
    name: 'write_buffer_bytes',
    type: 'number',
    default: String(32 << 20),
    meaning: 'Bytes that a memory table holds before it becomes a table file.',
  },
  {
    name: 'block_cache_bytes',
    type: 'number',
    default: String(64 << 20),
    meaning: 'Bytes of table blocks kept in memory.',
  },
  { name: 'table_file_bytes', type: 'number', default: String(8 << 20), meaning: 'Bytes of a table file.' },
  {
    name: 'recent_rows',
    type: 'number',
    default: String(1 << 19),
    meaning:
      'Rows of each of two generations whose versions a node remembers, so that it need not read them to decide.',
  },
  {
    name: 'recent_record_bytes',
    type: 'number',
    default: String(32 << 20),
    meaning:
      'Bytes of each of two generations of whole rows that a node remembers where it must look into a row to replace it: with --causality=exact, and for increments.',
  },
]

/** The least that makes sense of each number. */
const LEAST: Readonly<Record<string, number>> = {
  write_buffer_bytes: 1 << 16,
  block_cache_bytes: 0,
  table_file_bytes: 1 << 20,
  recent_rows: 1 << 14,
  recent_record_bytes: 1 << 16,
}

/** Reads the settings' text; throws USAGE where a value is none. */
export function lsmSettings(settings: Readonly<Record<string, string>>): LsmSettings {
  const truth = (name: string): boolean => {
    const text = settings[name]
    if (text !== 'true' && text !== 'false') throw invalid(name, text, 'true or false')
    return text === 'true'
  }
  const number = (name: string): number => {
    const text = settings[name]
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < LEAST[name] || value >= 2 ** 31) {
      throw invalid(name, text, `a whole number from ${LEAST[name]} and below 2147483648`)
    }
    return value
  }
  return {
    sync: truth('sync'),
    compression: truth('compression'),
    writeBufferBytes: number('write_buffer_bytes'),
    blockCacheBytes: number('block_cache_bytes'),
    tableFileBytes: number('table_file_bytes'),
    recentRows: number('recent_rows'),
    recentRecordBytes: number('recent_record_bytes'),
  }
}

function invalid(name: string, text: string, wanted: string): BenchError {
  return new BenchError('USAGE', `lsm.${name} cannot be "${text}": give ${wanted}.`)
}
