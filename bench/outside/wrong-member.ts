// What is missing or wrong in an object that must have a shape, in words.
import type { z } from 'zod'

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value)
}

/** A value as people would write it, cut where it is long. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof Promise) return 'a promise'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? `“${value}”` : String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** All members that are missing, or else the first that is wrong, as what follows an object's name; undefined when all is well. */
export function wrongIn(shape: z.ZodType, value: unknown): string | undefined {
  const checked = shape.safeParse(value)
  if (checked.success) return undefined
  const { issues } = checked.error
  const missing = issues.filter(({ path }) => path.length > 0 && memberAt(value, path) === undefined)
  if (missing.length > 0) {
    const byWhat = Map.groupBy(missing, ({ message }) => message)
    const each = [...byWhat].map(([what, some]) => {
      const names = some.map(({ path }) => path.map(String).join('.')).join(', ')
      return `no ${names} (${some.length === 1 ? 'it' : 'each'} must be ${what})`
    })
    return `has ${each.join(' and ')}`
  }
  const [{ path, message }] = issues
  if (path.length === 0) return `is ${shown(value)}: it must be ${message}`
  return `has a wrong ${path.map(String).join('.')}, ${shown(memberAt(value, path))}: it must be ${message}`
}
