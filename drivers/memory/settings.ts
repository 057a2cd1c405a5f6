// The settings of memory nodes: a delay, and faults to be planted.
import type { Setting } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'

export interface MemorySettings {
  readonly delayMs: number
  readonly slowAckMs: number
  /** Shares of rows, 0 … 1. */
  readonly lose: number
  readonly loseEverywhere: number
  readonly duplicate: number
}

export const MEMORY_SETTINGS: readonly Setting[] = [
  {
    name: 'delay',
    type: 'number',
    default: '0',
    meaning:
      'Milliseconds by which a row from another DC becomes visible later than it arrives; the order of its DC is kept.',
  },
  { name: 'slow_ack', type: 'number', default: '0', meaning: 'Milliseconds by which a write is acknowledged later.' },
  {
    name: 'lose',
    type: 'number',
    default: '0',
    meaning: 'Share (0 … 1) of row writes that are acknowledged and kept, but never shipped to the other DCs.',
  },
  {
    name: 'lose_everywhere',
    type: 'number',
    default: '0',
    meaning: 'Share (0 … 1) of row writes that are acknowledged, but not stored anywhere.',
  },
  {
    name: 'duplicate',
    type: 'number',
    default: '0',
    meaning:
      'Share (0 … 1) of rows from other DCs that are stored a second time 50 ms later, over whatever is there then.',
  },
]

const DELAY_MS_MAX = 600_000

/** Reads the settings' text; throws USAGE where a value is none. */
export function memorySettings(settings: Readonly<Record<string, string>>): MemorySettings {
  const number = (name: string, most: number): number => {
    const value = settings[name].trim() === '' ? Number.NaN : Number(settings[name])
    if (value >= 0 && value <= most) return value
    throw new BenchError('USAGE', `memory.${name} cannot be "${settings[name]}": give a number from 0 to ${most}.`)
  }
  return {
    delayMs: number('delay', DELAY_MS_MAX),
    slowAckMs: number('slow_ack', DELAY_MS_MAX),
    lose: number('lose', 1),
    loseEverywhere: number('lose_everywhere', 1),
    duplicate: number('duplicate', 1),
  }
}
