// The one way in which figures become text, so that the same facts always give the same bytes.

const FIGURE_DIGITS = 6

/** A figure with six significant digits, whole numbers with all of theirs, and no exponent; empty for n/a. */
export function formatFigure(value: number | null): string {
  const rounded = roundFigure(value)
  if (rounded === null) return ''
  if (Number.isInteger(rounded)) return String(BigInt(rounded))
  const text = String(rounded)
  return text.includes('e') ? rounded.toFixed(20).replace(/0+$/, '') : text
}

/** A time in seconds with µs digits; empty when there is none. */
export function formatSeconds(us: number): string {
  return Number.isFinite(us) ? (us / 1e6).toFixed(6) : ''
}

/** A duration in milliseconds with µs digits; empty when there is none. */
export function formatMilliseconds(us: number): string {
  return Number.isFinite(us) ? (us / 1000).toFixed(3) : ''
}

/** A number rounded as `formatFigure` prints it, for JSON; null when it is not finite. */
export function roundFigure(value: number | null): number | null {
  if (value === null || !Number.isFinite(value)) return null
  return Math.abs(value) >= 10 ** (FIGURE_DIGITS - 1) ? Math.round(value) : Number(value.toPrecision(FIGURE_DIGITS))
}
