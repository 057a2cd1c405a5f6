// The settings of memory nodes: delays, whether rows outlive the process, and faults to be planted.
import type { Setting } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import { DELAY_LAW_WORDS, type DelayLaw, delayLaw } from './delay-law.ts'

export interface MemorySettings {
  readonly durable: boolean
  readonly delay: DelayLaw
  readonly slowAck: DelayLaw
  readonly reorderByMs: number
  /** Shares of rows, 0 … 1. */
  readonly lose: number
  readonly loseEverywhere: number
  readonly loseAtCrash: number
  readonly unknown: number
  /** Of the unknown ones, those that are not stored. */
  readonly unknownLost: number
  readonly duplicate: number
  readonly reorder: number
  readonly swap: number
  readonly mix: number
  readonly resurrect: number
}

const share = (name: string, what: string, standard = '0'): Setting => ({
  name,
  type: 'number',
  default: standard,
  meaning: `Share (0 … 1) of ${what}`,
})

export const MEMORY_SETTINGS: readonly Setting[] = [
  {
    name: 'durable',
    type: 'boolean',
    default: 'false',
    meaning: 'Writes rows and log to a file before acknowledging, so that they survive kill -9 of the node.',
  },
  {
    name: 'delay',
    type: 'text',
    default: '0',
    meaning: `How much later than it arrives a row from another DC becomes visible, in the order of its DC: ${DELAY_LAW_WORDS}.`,
  },
  {
    name: 'slow_ack',
    type: 'text',
    default: '0',
    meaning: `How much later a batch is acknowledged, in the order of its connection: ${DELAY_LAW_WORDS}.`,
  },
  share('lose', 'row writes that are acknowledged and kept, but never shipped to the other DCs.'),
  share('lose_everywhere', 'row writes that are acknowledged, but not stored anywhere.'),
  share('lose_at_crash', 'row writes that a durable node keeps in memory only, so that a crash loses them there.'),
  share('unknown', 'row writes that get no acknowledgement, so that their outcome is unknown.'),
  share('unknown_lost', 'these unknown writes that are not stored; the rest is stored and shipped.', '0.5'),
  share('duplicate', 'rows from other DCs that are stored a second time 50 ms later, over whatever is there then.'),
  share('reorder', 'rows from other DCs that are held back while later ones of their DC go ahead.'),
  { name: 'reorder_by', type: 'text', default: '100ms', meaning: 'How long they are held back.' },
  share('swap', 'rows from other DCs that take the place of a newer row written here meanwhile.'),
  share('mix', 'rows from other DCs that keep some columns of the row written here that they replace.'),
  share('resurrect', 'deletes from other DCs whose row is put back as it was 50 ms later.'),
]

/** Reads the settings' text; throws USAGE where a value is none, or asks for what cannot be. */
export function memorySettings(settings: Readonly<Record<string, string>>): MemorySettings {
  const refuse = (name: string, give: string): BenchError =>
    new BenchError('USAGE', `memory.${name} cannot be "${settings[name]}": give ${give}.`)
  const number = (name: string): number => {
    const value = settings[name].trim() === '' ? Number.NaN : Number(settings[name])
    if (value >= 0 && value <= 1) return value
    throw refuse(name, 'a number from 0 to 1')
  }
  const law = (name: string): DelayLaw => {
    const read = delayLaw(settings[name])
    if (read === undefined) throw refuse(name, `${DELAY_LAW_WORDS}, up to 600 s`)
    return read
  }
  const reorderBy = law('reorder_by')
  if (reorderBy.law !== 'constant' || reorderBy.ms === 0) throw refuse('reorder_by', 'a duration above 0 such as 100ms')
  const { durable } = settings
  if (durable !== 'true' && durable !== 'false') throw refuse('durable', 'true or false')
  const loseAtCrash = number('lose_at_crash')
  if (loseAtCrash > 0 && durable === 'false') {
    throw new BenchError(
      'USAGE',
      'memory.lose_at_crash says nothing of a node that loses everything at a crash: give --set memory.durable=true too.',
    )
  }
  return {
    durable: durable === 'true',
    delay: law('delay'),
    slowAck: law('slow_ack'),
    reorderByMs: reorderBy.ms,
    lose: number('lose'),
    loseEverywhere: number('lose_everywhere'),
    loseAtCrash,
    unknown: number('unknown'),
    unknownLost: number('unknown_lost'),
    duplicate: number('duplicate'),
    reorder: number('reorder'),
    swap: number('swap'),
    mix: number('mix'),
    resurrect: number('resurrect'),
  }
}
