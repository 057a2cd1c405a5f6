// `--skew-clock=us-east=200ms,eu-west=-50ms`: how far the clocks that the DCs' versions are taken from run ahead or behind.
import { BenchError } from '../contract/errors.ts'
import { suggestion } from '../lib/nearest.ts'
import { durationMs } from './units.ts'

/** Clocks further apart are a wrong date, not a skew. */
const SKEW_MS_MAX = 3_600_000
const EXAMPLE = 'for example --skew-clock us-east=200ms,eu-west=-50ms'

function refuse(one: string, why: string): never {
  throw new BenchError('USAGE', `--skew-clock ${one} ${why}.`)
}

function skewMs(text: string): number | undefined {
  const [, sign, amount] = /^([+-]?)(.*)$/s.exec(text.trim()) ?? []
  const ms = durationMs(amount)
  return ms === undefined || ms > SKEW_MS_MAX ? undefined : sign === '-' ? -ms : ms
}

/** By DC, in ms; behind is negative; a later one goes before an earlier one. Throws USAGE with one sentence for the first that is wrong. */
export function clockSkewOf(given: readonly string[], dcs: readonly string[]): Readonly<Record<string, number>> {
  const skews: Record<string, number> = {}
  for (const one of given.flatMap((list) => list.split(',')).map((part) => part.trim())) {
    const [, dc, text] = /^([^=\s]+)\s*=(.*)$/s.exec(one) ?? []
    if (dc === undefined) refuse(one, `is not <dc>=<time>; ${EXAMPLE}`)
    if (!dcs.includes(dc)) {
      throw new BenchError(
        'USAGE',
        `--skew-clock ${one} names the DC ${dc}, which is not in --dcs: ${suggestion(dc, dcs)}`,
      )
    }
    const ms = skewMs(text)
    if (ms === undefined) refuse(one, `has "${text.trim()}" where a time of at most 1 h belongs; ${EXAMPLE}`)
    skews[dc] = ms
  }
  return skews
}
