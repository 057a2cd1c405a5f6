// Reads what comes over a relay's control channel: a change that is none must not reach a link, nor counters that are none a report.
import { BenchError } from '../contract/errors.ts'
import { type Fields, isFields } from '../lib/fields.ts'
import type { LinkChange, LinkCounters } from './link-state.ts'

const CONDITIONS: ReadonlySet<unknown> = new Set(['open', 'hold', 'reset'])
const isCondition = (value: unknown): boolean => CONDITIONS.has(value)
const isAmount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0
const namesLink = (value: unknown): value is Fields =>
  isFields(value) && typeof value.from === 'string' && typeof value.to === 'string'

/** What each part of a link's state may be set to. */
const SETTABLE: Readonly<Record<string, (value: unknown) => boolean>> = {
  delayMs: isAmount,
  jitterMs: isAmount,
  bandwidthBytesPerSecond: (value) => value === null || (isAmount(value) && value !== 0),
  condition: isCondition,
}

/** The argument of a relay's `set`. Throws FORMAT for what no link can be. */
export function linkChangeIn(argument: unknown): LinkChange {
  const change = namesLink(argument) ? argument.change : undefined
  const settable =
    isFields(change) &&
    Object.entries(change).every(([name, value]) => Object.hasOwn(SETTABLE, name) && SETTABLE[name](value))
  if (settable) return argument as LinkChange
  throw new BenchError('FORMAT', 'A relay was told to set something that no link has, so its links stay as they are.')
}

/** The reply to `counters`. Throws FORMAT for what cannot be counters of links. */
export function linkCountersIn(reply: unknown): readonly LinkCounters[] {
  const areCounters =
    Array.isArray(reply) &&
    reply.every(
      (link: unknown) =>
        namesLink(link) &&
        isAmount(link.payloadBytes) &&
        isAmount(link.heldBytes) &&
        isAmount(link.connections) &&
        isCondition(link.condition),
    )
  if (areCounters) return reply as LinkCounters[]
  throw new BenchError(
    'FORMAT',
    'A relay of the WAN links gave counters that cannot be read: something else may listen on its control port, and its log may say more.',
  )
}
