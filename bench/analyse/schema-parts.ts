// The kinds of values that run.json is made of. No number may be infinite, and none so large that counting to it would not end.
import { z } from 'zod'

/** Runs last a day at most (`--duration`), and are over within days: 10^12 µs are eleven. */
export const TIME_US_MAX = 1e12
export const timeUs = z.number().min(-TIME_US_MAX).max(TIME_US_MAX)
export const amount = z.number().min(0).max(1e18)
export const maybeAmount = amount.nullable()
export const count = z.number().int().min(0).max(1e15)
export const maybeNumber = z.number().nullable()
export const name = z.string().max(1000)
export const texts = z.record(name, z.string().max(100_000))
/** A directed link. */
export const pair = { from: name, to: name }
