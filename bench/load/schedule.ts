// Intended start times of one DC's rows, fixed before the run: pure data, the same for the same seed.
import { randomStream } from '../lib/random.ts'

export type ArrivalKind = 'poisson' | 'constant'

export interface SchedulePlan {
  readonly arrivals: ArrivalKind
  /** Rows a second in this DC. */
  readonly rowsPerSecond: number
  readonly seed: number
  readonly dcIndex: number
  readonly dcCount: number
  readonly phase: number
}

const ARRIVAL_SALT = 0x41525256

/** Fills `offsetsUs` with the next arrivals, in µs from the start of the phase, ascending. */
export type Schedule = (count: number, offsetsUs: Float64Array) => void

/**
 * `constant`: one row every 1/rate, the DCs shifted against each other by equal parts of it.
 * `poisson`: independent exponential gaps of mean 1/rate, −ln(1 − u)/rate.
 */
export function schedule(plan: SchedulePlan): Schedule {
  const gapUs = 1e6 / plan.rowsPerSecond
  if (plan.arrivals === 'constant') {
    const shiftUs = (gapUs * plan.dcIndex) / plan.dcCount
    let next = 0
    return (count, offsetsUs) => {
      // Multiplied, not added up, so that no rounding gathers over a long run.
      for (let i = 0; i < count; i++) offsetsUs[i] = shiftUs + next++ * gapUs
    }
  }
  const random = randomStream(plan.seed, ARRIVAL_SALT, plan.dcIndex, plan.phase)
  let atUs = 0
  return (count, offsetsUs) => {
    for (let i = 0; i < count; i++) {
      atUs += -Math.log(1 - random.unit()) * gapUs
      offsetsUs[i] = atUs
    }
  }
}
