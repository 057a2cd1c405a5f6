// Delays as people ask for them: a number of ms, a duration, or a known distribution from which each row draws its own.
import { hashNumber } from '../../bench/lib/random.ts'

/** `median` and `mean` in ms; `sigma` is the standard deviation of the logarithm. */
export type DelayLaw =
  | { readonly law: 'constant'; readonly ms: number }
  | { readonly law: 'uniform'; readonly leastMs: number; readonly mostMs: number }
  | { readonly law: 'exponential'; readonly meanMs: number }
  | { readonly law: 'lognormal'; readonly medianMs: number; readonly sigma: number }

export const DELAY_LAW_WORDS =
  'a number of ms, a duration such as 50ms, uniform(20ms,80ms), exponential(30ms) or lognormal(50ms,0.5)'

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }
const DELAY_MS_MAX = 600_000
/** Sigmas beyond this give delays of hours at every turn. */
const SIGMA_MAX = 3

/** Salts of the two hashes that a draw takes; `salt` tells the settings that draw apart. */
const SECOND = 0x5bd1e995

function timeMs(text: string | undefined): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(us|ms|s)?\s*$/.exec(text ?? '')
  if (match === null) return undefined
  const ms = Number(match[1]) * UNIT_MS[match[2] ?? 'ms']
  return ms <= DELAY_MS_MAX ? ms : undefined
}

/** Reads a delay; undefined where the text is none. */
export function delayLaw(text: string): DelayLaw | undefined {
  const constant = timeMs(text)
  if (constant !== undefined) return { law: 'constant', ms: constant }
  const call = /^\s*(uniform|exponential|lognormal)\(([^(),]+)(?:,([^(),]+))?\)\s*$/.exec(text)
  if (call === null) return undefined
  const [, law, given, second] = call
  const first = timeMs(given)
  if (first === undefined) return undefined
  if (law === 'exponential') return second === undefined ? { law, meanMs: first } : undefined
  if (law === 'uniform') {
    const mostMs = timeMs(second)
    return mostMs === undefined || mostMs < first ? undefined : { law, leastMs: first, mostMs }
  }
  const sigma = second === undefined || second.trim() === '' ? Number.NaN : Number(second)
  return sigma >= 0 && sigma <= SIGMA_MAX ? { law: 'lognormal', medianMs: first, sigma } : undefined
}

/** Whether nothing is ever delayed. */
export function isNoDelay(law: DelayLaw): boolean {
  return law.law === 'constant' && law.ms === 0
}

/** The delay of the row write `dot`, in ms: a pure function of its arguments, by inverse transform and by Box and Muller (1958). */
export function drawDelayMs(law: DelayLaw, salt: number, seed: number, dot: number): number {
  if (law.law === 'constant') return law.ms
  // Half a step away from 0 and 1, so that no logarithm is infinite.
  const unit = (more: number) => (hashNumber(dot, (seed ^ salt ^ more) | 0) + 0.5) / 2 ** 32
  const u = unit(0)
  if (law.law === 'uniform') return law.leastMs + (law.mostMs - law.leastMs) * u
  if (law.law === 'exponential') return -law.meanMs * Math.log(u)
  const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * unit(SECOND))
  return Math.min(DELAY_MS_MAX, law.medianMs * Math.exp(law.sigma * normal))
}
