// How figures look to a reader: few digits, thousands apart, and n/a where nothing is known.

export const NOT_KNOWN = 'n/a'

/** A whole number with thousands apart. */
export function wholeText(value: number | null): string {
  return value === null ? NOT_KNOWN : Math.round(value).toLocaleString('en-US')
}

/** A time in ms or s, or a ratio: three significant digits, never more than the unit needs. */
export function shortText(value: number | null): string {
  if (value === null) return NOT_KNOWN
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en-US')
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return size === 0 ? '0' : value.toFixed(2)
}

/** A share as a percentage. */
export function percentText(share: number | null): string {
  if (share === null) return NOT_KNOWN
  const percent = share * 100
  if (percent === 0) return '0 %'
  if (percent < 0.01) return '<0.01 %'
  return `${percent.toFixed(percent < 10 ? 2 : 1)} %`
}
