// The one way in which figures become text, so that the same facts always give the same bytes.

const FIGURE_DIGITS = 6

/** A figure with six significant digits and no exponent; empty for n/a. */
export function formatFigure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return ''
  const rounded = Number(value.toPrecision(FIGURE_DIGITS))
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
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(FIGURE_DIGITS))
}
