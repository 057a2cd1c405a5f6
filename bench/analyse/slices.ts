// The measured phase cut into equal slices: what steadiness and sampling errors are judged on.

const SLICES_MIN = 10
const SLICES_MAX = 100

export interface Slices {
  readonly count: number
  readonly startUs: number
  readonly widthUs: number
  /** The slice that a time falls into, or −1 outside the measured phase. */
  at(us: number): number
}

/** Slices of about a second, but no fewer than 10 and no more than 100. */
export function sliceMeasured(measure: { readonly startUs: number; readonly endUs: number }): Slices {
  const lengthUs = measure.endUs - measure.startUs
  const count = Math.min(SLICES_MAX, Math.max(SLICES_MIN, Math.floor(lengthUs / 1e6)))
  const widthUs = lengthUs / count
  return {
    count,
    startUs: measure.startUs,
    widthUs,
    at: (us) =>
      us >= measure.startUs && us < measure.endUs
        ? Math.min(count - 1, Math.floor((us - measure.startUs) / widthUs))
        : -1,
  }
}
