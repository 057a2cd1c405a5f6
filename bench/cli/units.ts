// Durations, sizes and ranges as people write them.

const DURATION_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

function withUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim())
  const factor = match === null ? undefined : units[match[2]]
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor
}

/** `40ms`, `1.5s`, `2m` in ms; undefined when it is not a duration with its unit. */
export function durationMs(text: string): number | undefined {
  return withUnit(text, DURATION_MS)
}

/** `4GiB`, `500MB` in bytes; undefined when it is not a size with its unit. */
export function sizeBytes(text: string): number | undefined {
  return withUnit(text, SIZE_BYTES)
}

/** `20000000`, `20_000_000`, `1M`, `50k`; undefined when it is no whole number. */
export function wholeNumber(text: string): number | undefined {
  const match = /^(\d[\d_]*(?:\.\d+)?)([kM])?$/.exec(text.trim())
  if (match === null) return undefined
  const value = Number(match[1].replaceAll('_', '')) * (match[2] === 'k' ? 1e3 : match[2] === 'M' ? 1e6 : 1)
  return Number.isSafeInteger(value) ? value : undefined
}

const BITS_PER_SECOND: Readonly<Record<string, number>> = { kbit: 1e3, Mbit: 1e6, Gbit: 1e9 }

/** `50MB/s`, `1GiB/s`, `100Mbit/s` in bytes a second; undefined when it is not a bandwidth with its unit. */
export function bytesPerSecond(text: string): number | undefined {
  const amount = /^(.*)\/\s*s$/.exec(text.trim())?.[1]
  if (amount === undefined) return undefined
  const bits = withUnit(amount, BITS_PER_SECOND)
  return bits === undefined ? withUnit(amount, SIZE_BYTES) : bits / 8
}
